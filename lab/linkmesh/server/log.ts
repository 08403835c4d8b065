function line(level: string, message: string): void {
    process.stdout.write(`${level} ${message}\n`);
}

/** One line each on stdout, where the journal takes them. */
export const log = {
    info: (message: string) => line("INFO", message),
    warn: (message: string) => line("WARN", message),
};
