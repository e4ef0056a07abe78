/** How a script tells what it found, and has something done to the server meanwhile. */

declare const process: {
  readonly argv: readonly string[];
  readonly stdout: { write(text: string, done?: () => void): void };
  readonly stdin: { once(event: "data", listener: () => void): void };
  exit(code: number): void;
};

/** Where the server is. */
export const server: string = process.argv[2] ?? "";

/** Has something done, and waits until it is. */
export function step(name: string): Promise<void> {
  return new Promise((resolve) => {
    process.stdin.once("data", () => resolve());
    process.stdout.write(`${JSON.stringify({ step: name })}\n`);
  });
}

/** Tells what was found. Unless it ends whatever is still open, Node waits for that. */
export function tell(result: unknown, endsAll: boolean = true): void {
  process.stdout.write(`${JSON.stringify({ result })}\n`, () => {
    if (endsAll) process.exit(0);
  });
}

/** Returns what a promise is rejected with: the name of the error, and its text. */
export async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return String(error);
  }
  return "nothing";
}
