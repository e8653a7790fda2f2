export function inferenceText(folder?: string): Promise<string>;
