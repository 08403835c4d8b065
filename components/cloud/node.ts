import type * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../host/host.ts";
import { OPERATING_SYSTEM_FACTS } from "../operating-systems.ts";
import { createInstance, type InstanceArgs } from "./instance.ts";

export interface NodeArgs extends InstanceArgs {
    subnetId: pulumi.Input<string>;
    securityGroupIds: pulumi.Input<pulumi.Input<string>[]>;
    /** The subnet has IPv6. */
    ipv6: boolean;
    /** What must exist before an address works: internet gateway, routes, rules of the security group. */
    network: pulumi.Resource[];
    /** For everything that can be tagged, besides Name. Default: none. */
    tags?: Readonly<Record<string, string>>;
}

/**
 * One of several machines behind a load balancer. It has nothing worth keeping, so another one takes its place before it
 * goes. Its addresses are for SSH and the way out alone, and another machine has others. A public IPv4 address costs about
 * $3.65 a month.
 */
export class Node extends pulumi.ComponentResource {
    readonly instance: aws.ec2.Instance;
    /** The machine for the steps. */
    readonly host: Host;

    constructor(name: string, args: NodeArgs, opts?: pulumi.ComponentResourceOptions) {
        super("linkmesh-proxy:index:Node", name, {}, opts);
        this.instance = createInstance(
            `${name}-instance`,
            args,
            {
                subnetId: args.subnetId,
                vpcSecurityGroupIds: args.securityGroupIds,
                associatePublicIpAddress: true,
                ipv6AddressCount: args.ipv6 ? 1 : undefined,
                tags: { ...args.tags, Name: name },
            },
            {
                parent: this,
                dependsOn: args.network,
                // A refresh takes it for false while the machine is stopped, and a change of it replaces the machine.
                ignoreChanges: ["associatePublicIpAddress"],
            },
        );
        this.host = {
            ipv4: this.instance.publicIp,
            ipv6: args.ipv6 ? this.instance.ipv6Addresses.apply((addresses) => addresses[0]!) : undefined,
            user: OPERATING_SYSTEM_FACTS[args.operatingSystem].user,
            device: undefined,
            machine: this.instance,
            ready: [],
        };
        this.registerOutputs({ instanceId: this.instance.id });
    }
}
