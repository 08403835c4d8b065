import { onMachine } from "./lab.ts";

const ASKED = "/run/test-pauses";

/**
 * Does something while the pauses of at least a second, which scripts on the machine make before they try again, take a tenth
 * of their time.
 * @returns the seconds that the scripts asked for, in their order
 */
export async function shortPauses(work: () => Promise<unknown>): Promise<number[]> {
    await onMachine(`cp /usr/bin/sleep /run/test-sleep
printf '%s\\n' '#!/bin/sh' 'case $1 in *.*) exec /run/test-sleep "$1" ;; esac' \\
    'echo "$1" >>${ASKED}' 'exec /run/test-sleep "$(($1 / 10)).$(($1 % 10))"' >/run/test-pause
chmod 0755 /run/test-pause
rm -f ${ASKED}
mount --bind /run/test-pause /usr/bin/sleep`);
    try {
        await work();
    } finally {
        await onMachine("umount /usr/bin/sleep");
    }
    return (await onMachine(`cat ${ASKED} 2>/dev/null || true`)).split("\n").filter(Boolean).map(Number);
}
