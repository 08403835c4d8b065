import { expect, test } from "vitest";
import { PROBES } from "../../bench/probes.ts";
import { SilenceWatch } from "../../bench/silence.ts";
import { EXISTING_SUBNET_DUAL } from "../../lab/cloud/existing-network.ts";
import { allPids, procStat } from "../../lab/process/process.ts";
import { programInstance } from "../../lab/cloud/state.ts";
import { terminate } from "../../lab/providers/aws/instances.ts";
import { Clients } from "./clients.ts";
import { commandLine, isOfLab } from "./running-up.ts";
import { changeCloud, cloud, identity, labOk, onMachine, sets, status } from "./lab.ts";

/** Another machine takes the place of the first: to the fleet it is the same host, after a short silence. */
export function machineReplacement(): void {
    test.each<[string, string | undefined, string[], (() => Promise<void>)?]>([
        ["asked for by hand", undefined, ["--replace", "linkmesh-machine-instance"]],
        [
            "an image by its id, the machine terminated elsewhere",
            "Debian GNU/Linux 12",
            sets({ imageId: "ami-0debian12labamd64" }),
            terminateElsewhere,
        ],
        [
            "another operating system, in an existing network",
            "Ubuntu 24.04",
            sets({ imageId: "", operatingSystem: "ubuntu-24.04", subnetId: EXISTING_SUBNET_DUAL }),
        ],
        [
            "the first operating system and network again, by a refresh, the machine terminated elsewhere",
            "Debian GNU/Linux 13",
            [...sets({ operatingSystem: "", subnetId: "" }), "--refresh"],
            terminateElsewhere,
        ],
        ["an image of one's own with the packages", "Debian GNU/Linux 13", sets({ imageId: "ami-0debian13ownamd64" })],
    ])(
        "%s: addresses, keys, data and certificate stay, the fleet reconnects, and two servers never run at once",
        async (_, system, args, meanwhile) => {
            const machine = await onMachine("cat /etc/machine-id");
            const moves = args.some((arg) => arg.startsWith("subnetId="));
            const before = await known(moves);
            const found = await status();
            const token = await onMachine("linkmesh-server token");
            const { bootstrap, agent: first } = await new Clients(found).enrolledAgent(token);
            first.close();

            let most = 0;
            const watch = new SilenceWatch(() => {
                most = Math.max(most, servers());
                return PROBES.https!(found.outputs.ipv4, found.host);
            });
            await meanwhile?.();
            await labOk("up", ...args);
            const silence = await watch.stop();

            expect(await onMachine("cat /etc/machine-id")).not.toBe(machine);
            if (system) expect(await onMachine("grep ^PRETTY_NAME= /etc/os-release")).toContain(system);
            expect(await known(moves)).toEqual(before);
            expect(before.file).toBe("git-key 640 root:linkmesh\nkept");
            const clients = new Clients(await status());
            const agent = clients.agentWith(bootstrap);
            expect((await agent.ping(Buffer.from("hello"))).toString()).toBe("hello");
            agent.close();
            (await clients.opamp(token)).terminate();
            expect(most, "LinkMesh servers at one time").toBe(1);
            // Away they were, or the watch is blind; for how long depends on the machine, and is the benchmark's matter.
            expect(silence).toBeGreaterThan(0);
        },
    );
}

/** All that makes it the same host. In another network it has another IPv6 address. */
async function known(moves: boolean): Promise<Record<string, unknown>> {
    const { addresses, ...rest } = await identity();
    const [ipv4, ipv6] = addresses as string[];
    const volumes = Object.values(cloud().volumes).map(({ id, availabilityZone }) => `${id} ${availabilityZone}`);
    const file = await onMachine("cd /etc/linkmesh-proxy/files && stat -c '%n %a %U:%G' * && cat *");
    return { ...rest, ipv4, ipv6: moves ? "another" : ipv6, volumes, orders: await orders(), file };
}

/** Terminates the machine as somebody does in AWS's console: the engine, which compares with its state, does not see it. */
async function terminateElsewhere(): Promise<void> {
    await changeCloud((state) => terminate(state, programInstance(state)!.id));
    expect((await labOk("preview")).stdout).toMatch(/unchanged/);
}

const orders = () => onMachine("cat /srv/linkmesh/identity/orders");

/** LinkMesh servers of the tests' lab that run now, on whichever machine. */
function servers(): number {
    const found = allPids().filter((pid) => {
        const [, program, command] = commandLine(pid);
        return program === "/usr/bin/linkmesh-server" && command === "serve" && isOfLab(pid);
    });
    // A program that one of them is about to start looks like itself for a moment.
    return found.filter((pid) => !found.includes(procStat(pid)?.parent ?? 0)).length;
}
