import { execa } from "execa";
import { isIPv6 } from "node:net";
import { expect, test } from "vitest";
import { openPorts } from "../../components/listeners.ts";
import { listenerSettings } from "../unit/listeners.ts";
import { cloud, status } from "./lab.ts";

const SSH = 22;
const ALL = 65_535;

/** What a mode opens to the world: the ports of its listeners and SSH, in both families. The rest drops packets. */
export function expectOpenPorts(settings: Parameters<typeof listenerSettings>[0]): void {
    const open = [SSH, ...openPorts(listenerSettings(settings)).map(({ port }) => port)];

    test(`of all TCP ports, ${open.join(", ")} are open from outside, and the others are silent`, async () => {
        const { ipv4, ipv6 } = (await status()).outputs;
        const found = await Promise.all([ipv4, ipv6!].map(scan));
        expect(found).toEqual(
            found.map(() => ({ answers: open.map((port) => `${port} open`), silent: ALL - open.length })),
        );
    });

    // A scan cannot tell a silent UDP port from a closed one, so this looks at the rules.
    test("no UDP port is open: no rule lets UDP in", () => {
        const { bastion, securityGroupRules } = cloud();
        const ingress = Object.values(securityGroupRules).filter(
            ({ groupId, direction }) => direction === "ingress" && groupId !== bastion?.securityGroupId,
        );
        expect(new Set(ingress.map(({ ipProtocol }) => ipProtocol))).toEqual(new Set(["tcp", "icmp", "icmpv6"]));
    });
}

/** Asks every TCP port of an address twice at most, which takes about 7 seconds because silence has to be waited for. */
async function scan(address: string): Promise<{ answers: string[]; silent: number }> {
    const speed = ["--min-rate", "20000", "--max-retries", "1"];
    const family = isIPv6(address) ? ["-6"] : [];
    const { stdout } = await execa("nmap", ["-n", "-Pn", "-sS", "-p-", ...speed, ...family, "-oG", "-", address]);
    const [, ports = "", silent] = /\tPorts: (.*?)\tIgnored State: filtered \((\d+)\)/.exec(stdout) ?? [];
    const answers = ports.split(", ").map((one) => one.split("/").slice(0, 2).join(" "));
    return { answers, silent: Number(silent) };
}
