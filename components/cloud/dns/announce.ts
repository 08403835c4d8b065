import { AsyncResource } from "node:async_hooks";
import * as pulumi from "@pulumi/pulumi";
import { isMocked } from "../../mocks.ts";
import type { DnsRecord } from "./provider.ts";

/** A hook that prints records which only the user can make, before something waits for them. It prints once, at the creation. */
export function announceRecords(
    name: string,
    sentence: string,
    records: pulumi.Output<DnsRecord[]>,
    parent: pulumi.Resource,
): pulumi.ResourceHook[] {
    if (isMocked()) return [];
    const tell = async () => {
        const all = await new Promise<DnsRecord[]>((resolve) => records.apply(resolve));
        const lines = all.map((one) => `  ${one.name} ${one.type} ${one.value}`);
        await pulumi.log.warn([sentence, ...lines].join("\n"), parent);
    };
    // Bound to this run of the program, as in host/step-hooks.ts.
    return [new pulumi.ResourceHook(`${name}-records`, AsyncResource.bind(tell), { ignoreErrors: true })];
}
