/** Exit codes. After 78 systemd does not restart the server (RestartPreventExitStatus); the other faults may pass. */
export const EXIT = { failure: 1, usage: 2, busy: 75, configuration: 78 } as const;

/** Ends the program with one line on stderr and this exit code, without a stack trace. */
export class Failure extends Error {
    constructor(
        message: string,
        readonly exitCode: number = EXIT.failure,
    ) {
        super(message);
    }
}

/** The operating system's error in words, for faults that an operator can cause. */
export function systemReason(error: unknown): string {
    const { code, message } = error as NodeJS.ErrnoException;
    const reasons: Record<string, string> = {
        EACCES: "permission denied (run as the user linkmesh)",
        EPERM: "permission denied (run as the user linkmesh)",
        ENOENT: "it does not exist",
        ENOSPC: "the disk is full",
        EROFS: "the file system is read-only",
        EADDRINUSE: "another program already listens there",
    };
    return (code && reasons[code]) ?? message;
}
