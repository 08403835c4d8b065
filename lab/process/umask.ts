/**
 * Lets everybody read what this process and those that it starts make from here on. The lab's roots are whole systems,
 * whose users other than root need them: under the umask 027 of a hardened host a machine's `/` is closed to its own
 * logins. Files with secrets are made with a mode of their own.
 */
export function useOpenUmask(): void {
    process.umask(0o022);
}
