import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { NAMESPACE, WATCHED_ITEMS } from "../../metrics.ts";
import type { OutsideCheck } from "./outside.ts";
import { createTopics } from "./receivers.ts";
import { ROUTE53_REGION } from "./regions.ts";

/** The running machine. */
export interface WatchedMachine {
    readonly instanceId: pulumi.Input<string>;
    readonly addresses: Readonly<Record<OutsideCheck["family"], pulumi.Input<string> | undefined>>;
    /** What must be there before anything is watched, so that nothing rings while the machine is set up. */
    readonly ready: readonly pulumi.Resource[];
}

export interface AlarmsArgs {
    /** E-mail addresses, and ARNs of topics in the regions of the alarms. */
    receivers: readonly string[];
    /** The stack's region. */
    region: string;
    /** For messages, and the name that health checks ask for. */
    domain: string;
    /** The dimension Stack of the machine's own metrics. */
    owner: string;
    /** The listeners to check from outside. */
    outside: readonly OutsideCheck[];
    /** Whether AWS can recover machines of this instance type. */
    recoverable: boolean;
    /** Undefined when paused: nothing is watched, and the topics stay. */
    machine: WatchedMachine | undefined;
    /** For everything that can be tagged, besides Name. */
    tags: Readonly<Record<string, string>>;
}

/** Tells the receivers what breaks: the machine, https and gRPC from outside, and what the machine says about itself. */
export class Alarms extends pulumi.ComponentResource {
    /** ARNs of the topics that the alarms are sent to. */
    readonly topics: pulumi.Input<string>[];

    constructor(name: string, args: AlarmsArgs, opts?: pulumi.ComponentResourceOptions) {
        super("linkmesh-proxy:index:Alarms", name, {}, opts);
        const { receivers, region, outside, machine } = args;
        const tags = { ...args.tags, Name: name };
        const own = { name, args, tags, parent: this };
        const here = createTopics(name, { receivers, region, tags }, this);
        const checked = outside.length > 0;
        const there =
            region === ROUTE53_REGION || !checked
                ? here
                : createTopics(name, { receivers, region: ROUTE53_REGION, tags }, this);
        this.topics = there === here ? here : [...here, ...there];
        if (machine) {
            watchInstance(own, machine, here);
            watchItems(own, machine, here);
            for (const check of outside) watchFromOutside(own, check, machine, there);
        }
        this.registerOutputs({ topics: this.topics });
    }
}

interface AlarmsParts {
    readonly name: string;
    readonly args: AlarmsArgs;
    readonly tags: Readonly<Record<string, string>>;
    readonly parent: pulumi.Resource;
}

interface Watch {
    /** The last part of the alarm's name, and the heading in docs/alarms.md. */
    readonly id: string;
    readonly sentence: string;
    readonly metric: Pick<
        aws.cloudwatch.MetricAlarmArgs,
        "namespace" | "metricName" | "dimensions" | "statistic" | "period" | "evaluationPeriods" | "treatMissingData"
    >;
    /** Rings at this value and above it; or, if below is set, below it. */
    readonly threshold?: number;
    readonly below?: true;
    readonly region: string;
    readonly topics: pulumi.Input<string>[];
    /** Besides the topics. */
    readonly actions?: string[];
}

function createAlarm({ name, args, tags, parent }: AlarmsParts, machine: WatchedMachine, watch: Watch): void {
    new aws.cloudwatch.MetricAlarm(
        `${name}-${watch.id}`,
        {
            region: watch.region,
            alarmDescription: `${args.domain}: ${watch.sentence} What to do: docs/alarms.md of linkmesh-proxy, "${watch.id}".`,
            ...watch.metric,
            comparisonOperator: watch.below ? "LessThanThreshold" : "GreaterThanOrEqualToThreshold",
            threshold: watch.threshold ?? 1,
            alarmActions: [...(watch.actions ?? []), ...watch.topics],
            okActions: watch.topics,
            tags,
        },
        { parent, dependsOn: [...machine.ready] },
    );
}

/** EC2's own checks. A machine that is recovered keeps its id, addresses and volumes, and boots as after a power cut. */
function watchInstance(own: AlarmsParts, machine: WatchedMachine, topics: pulumi.Input<string>[]): void {
    const { region, recoverable } = own.args;
    const metric = (metricName: string, evaluationPeriods: number) => ({
        ...{ namespace: "AWS/EC2", metricName, dimensions: { InstanceId: machine.instanceId } },
        ...{ statistic: "Maximum", period: 60, evaluationPeriods },
    });
    createAlarm(own, machine, {
        id: "recover",
        sentence: `the hardware below the machine fails${recoverable ? ", and AWS moves the machine to another" : ""}.`,
        metric: metric("StatusCheckFailed_System", 2),
        ...{ region, topics },
        actions: recoverable ? [`arn:aws:automate:${region}:ec2:recover`] : [],
    });
    createAlarm(own, machine, {
        id: "status",
        sentence: "the machine, its network or its disks do not answer EC2's checks.",
        // Long enough for a recovery.
        metric: metric("StatusCheckFailed", 5),
        ...{ region, topics },
    });
}

/** What the machine reports about itself. A machine that reports nothing rings all of them. */
function watchItems(own: AlarmsParts, machine: WatchedMachine, topics: pulumi.Input<string>[]): void {
    for (const [item, sentence] of Object.entries(WATCHED_ITEMS)) {
        createAlarm(own, machine, {
            id: item,
            sentence: `${sentence}, or the machine has reported nothing for 15 minutes.`,
            metric: {
                ...{ namespace: NAMESPACE, metricName: "Failed", dimensions: { Stack: own.args.owner, Item: item } },
                ...{ statistic: "Maximum", period: 300, evaluationPeriods: 3, treatMissingData: "breaching" },
            },
            ...{ region: own.args.region, topics },
        });
    }
}

/**
 * Asks an address as clients do, from several continents. Route 53 does not verify certificates. https does not ask for
 * the health URL: while an item is wrong for days, such as the renewal, an outage would change nothing, and send no mail.
 */
function watchFromOutside(
    own: AlarmsParts,
    { listener, family, port }: OutsideCheck,
    machine: WatchedMachine,
    topics: pulumi.Input<string>[],
): void {
    const { name, args, tags, parent } = own;
    const id = `${listener}-${family}`;
    const check = new aws.route53.HealthCheck(
        `${name}-check-${id}`,
        {
            ipAddress: machine.addresses[family],
            port,
            ...(listener === "https"
                ? { type: "HTTPS", fqdn: args.domain, resourcePath: "/", enableSni: true }
                : { type: "TCP" }),
            failureThreshold: 3,
            requestInterval: 30,
            tags: { ...tags, Name: `${name}-${id}` },
        },
        { parent, dependsOn: [...machine.ready] },
    );
    createAlarm(own, machine, {
        id,
        sentence:
            listener === "https"
                ? `https does not answer from outside over ${FAMILY_NAMES[family]}.`
                : `the gRPC port does not answer from outside over ${FAMILY_NAMES[family]}.`,
        metric: {
            ...{ namespace: "AWS/Route53", metricName: "HealthCheckStatus", dimensions: { HealthCheckId: check.id } },
            ...{ statistic: "Minimum", period: 60, evaluationPeriods: 2 },
        },
        below: true,
        ...{ region: ROUTE53_REGION, topics },
    });
}

const FAMILY_NAMES = { ipv4: "IPv4", ipv6: "IPv6" } as const;
