import { setTimeout as sleep } from "node:timers/promises";
import { expect, vi } from "vitest";
import { healthyTargets } from "../../../lab/balancers/balancers.ts";
import { Reconciler } from "../../../lab/cloud/reconciler.ts";
import type { Instance } from "../../../lab/cloud/state.ts";
import { chooseMachine, programMachines } from "../../../lab/commands/machines.ts";
import { enterMachine } from "../../../lab/machines/machine.ts";
import { cloud, theLab } from "../lab.ts";

/** For a busy machine, and no claim. */
export const PATIENCE = { timeout: 120_000, interval: 500 };

/** The names of the stack's machines, as "node-1". */
export function nodeNames(): string[] {
    return programMachines(theLab(), cloud()).map(({ name }) => name!);
}

export function nodeInstance(name: string): Instance {
    return chooseMachine(programMachines(theLab(), cloud()), name).instance;
}

/** Runs a script as root inside a node, past its network and SSH; an exit code other than 0 fails the test. */
export async function onNode(name: string, script: string): Promise<string> {
    const result = await tryOnNode(name, script);
    expect(result.exitCode, `${script}\n${result.stderr}`).toBe(0);
    return result.stdout.trim();
}

export function tryOnNode(name: string, script: string) {
    return enterMachine(theLab(), nodeInstance(name).id, ["bash", "-s"], script);
}

/** The process ids of LinkMesh and nginx on a node, which change only if they restart. */
export function processes(name: string): Promise<string> {
    return onNode(name, "systemctl show --property=MainPID --value linkmesh-server nginx");
}

/** Starts a machine that was switched off. */
export async function switchOn(): Promise<void> {
    await new Reconciler(theLab()).apply(cloud());
}

/** The nodes to which some zone of the load balancer sends nothing. */
export async function nodesOut(): Promise<string[]> {
    return nodesWith((share) => share < 1);
}

/** The nodes to which no zone sends anything, so that no new connection meets them. */
export async function nodesUnused(): Promise<string[]> {
    return nodesWith((share) => share === 0);
}

/** The nodes of whose ports in all zones such a share is sent to. */
async function nodesWith(matches: (share: number) => boolean): Promise<string[]> {
    const state = cloud();
    const healthy = await healthyTargets(theLab(), state);
    const zones = Object.values(state.loadBalancers).flatMap((balancer) => balancer.zones).length;
    const ports = Object.keys(state.listeners).length;
    return nodeNames().filter((name) => {
        const { privateIp } = state.networkInterfaces[nodeInstance(name).networkInterfaceId]!;
        return matches(healthy.filter((target) => target.includes(`/${privateIp}:`)).length / (zones * ports));
    });
}

/** Waits until all zones send to all nodes. */
export async function allIn(): Promise<void> {
    // Also in hooks, where there is no expect.poll.
    await vi.waitFor(async () => expect(await nodesOut()).toEqual([]), PATIENCE);
}

/** The largest sets of nodes that were out at the same time while an action ran. */
export async function outDuring<T>(action: () => Promise<T>): Promise<{ result: T; together: string[] }> {
    const seen = new Set<string>();
    let done = false;
    const running = action().finally(() => (done = true));
    while (!done) {
        // The load balancer's processes are reloaded meanwhile.
        const out = await nodesOut().catch(() => []);
        if (out.length > 0) seen.add(out.join(" and "));
        await sleep(300);
    }
    return { result: await running, together: [...seen].sort() };
}
