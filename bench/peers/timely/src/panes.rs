//! Dense state by pane of time and slot of series.

use std::collections::VecDeque;

/// Panes from the first that is open on, numbered by their start divided by `WIDTH`, ms.
pub struct Panes<const WIDTH: u64, State> {
    first: u64,
    open: VecDeque<Vec<State>>,
    spare: Vec<Vec<State>>,
    slots: usize,
}

impl<const WIDTH: u64, State: Clone + Default> Panes<WIDTH, State> {
    pub fn new(slots: usize) -> Self {
        Panes {
            first: 0,
            open: VecDeque::new(),
            spare: Vec::new(),
            slots,
        }
    }

    /// The pane in which `time` lies.
    #[inline]
    pub fn at(&mut self, time: u64) -> &mut [State] {
        let number = time / WIDTH;
        let index = number.wrapping_sub(self.first);
        if index >= self.open.len() as u64 {
            self.open_at(number);
        }
        &mut self.open[(number - self.first) as usize]
    }

    #[cold]
    fn open_at(&mut self, number: u64) {
        if self.open.is_empty() {
            self.first = number;
        }
        while number < self.first {
            let pane = self.fresh();
            self.open.push_front(pane);
            self.first -= 1;
        }
        while number - self.first >= self.open.len() as u64 {
            let pane = self.fresh();
            self.open.push_back(pane);
        }
    }

    fn fresh(&mut self) -> Vec<State> {
        let mut pane = self.spare.pop().unwrap_or_default();
        pane.clear();
        pane.resize(self.slots, State::default());
        pane
    }

    /// When the first open pane ends.
    pub fn first_end(&self) -> Option<u64> {
        (!self.open.is_empty()).then(|| (self.first + 1) * WIDTH)
    }

    /// Takes out the first open pane, which is empty where none is open. To be given back.
    pub fn close_first(&mut self) -> Vec<State> {
        self.first += 1;
        self.open.pop_front().unwrap_or_default()
    }

    /// A pane whose memory the next one may have.
    pub fn give_back(&mut self, pane: Vec<State>) {
        self.spare.push(pane);
    }
}
