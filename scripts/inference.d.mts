export function inferenceText(): Promise<string>;
