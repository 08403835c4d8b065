function line(level: string, message: string): void {
    process.stdout.write(`${level} ${message}\n`);
}

/** Prints each message as one line on stdout, for the journal. */
export const log = {
    info: (message: string) => line("INFO", message),
    warn: (message: string) => line("WARN", message),
};
