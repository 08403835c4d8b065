/**
 * Makes new files of this process and its children readable for everybody. The lab's roots are whole systems with other
 * users: under the umask 027 of a hardened host, they could not read a machine's `/`. Files with secrets have explicit
 * modes.
 */
export function useOpenUmask(): void {
    process.umask(0o022);
}
