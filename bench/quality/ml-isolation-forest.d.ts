declare module 'ml-isolation-forest' {
  /** What tests and benchmarks use of it; it comes without types. */
  export class IsolationForest {
    constructor(options?: { readonly nEstimators?: number });
    train(rows: readonly (readonly number[])[]): void;
    /** Anomaly scores, 0 to 1. */
    predict(rows: readonly (readonly number[])[]): number[];
  }
}
