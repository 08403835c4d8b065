import { expect } from "vitest";

/** What this project's users have at hand, or its machine. */
const PROGRAMS =
    /^(sudo )?(systemctl|journalctl|nginx|ss|tail|grep|curl|openssl|date|cat|ip|dpkg|certbot|runuser|reboot|pulumi|npm run doctor|ssh|sh|TZ=UTC systemctl|\/etc\/init\.d\/nginx|\/usr\/local\/lib\/linkmesh-proxy\/health)\b/;

/** A hint names the next command to type, in backticks, and it is one that exists. */
export function expectCommand(hint: string | undefined): void {
    const commands = [...(hint ?? "").matchAll(/`([^`]+)`/g)].flatMap(([, text]) => text!.split(/(?:;|&&| \|) /));
    expect(commands, hint).not.toEqual([]);
    for (const command of commands) expect(command).toMatch(PROGRAMS);
}
