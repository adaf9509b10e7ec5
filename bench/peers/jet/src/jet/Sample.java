package jet;

/** @param key the series; one object a series, so that keys are not boxed anew for every sample */
record Sample(Integer key, long time, double value) {}
