import type { Change, Kind } from "./changes.ts";
import { INSTANCE, byName, isFirstNode, isMachine, isNode, placeOf } from "./places.ts";

interface Loss {
    readonly type: string;
    readonly kind: Kind;
    /** Undefined if what it means is said of another resource. */
    readonly sentence: string | undefined;
    /** Whether it means this; `others` has the changes of the same LinkMesh. Default: always. */
    readonly when?: (change: Change, others: readonly Change[]) => boolean;
}

const BALANCER = "aws:lb/loadBalancer:LoadBalancer";
const RECORD = "aws:route53/record:Record";

const has = (wanted: (change: Change) => boolean, kind: Kind) => (_: Change, others: readonly Change[]) =>
    others.some((other) => other.kind === kind && wanted(other));
const ofBalancer = ({ type }: Change) => type === BALANCER;
/** By these AWS validates a certificate. They lead no client anywhere. */
const isValidation = ({ name, old }: Change) => old.type === "CNAME" && /-certificate-/.test(name);

/** What the loss of a resource means to those who use LinkMesh, the gravest first. Of each change the first row counts. */
const LOSSES: readonly Loss[] = [
    {
        type: "aws:ebs/volume:Volume",
        kind: "replaced",
        sentence:
            "A new data volume. LinkMesh's database, internal CA and secret are those of the snapshot in `restoreFrom`; without it they are lost, and every agent has to enrol again.",
    },
    {
        type: "aws:ebs/volume:Volume",
        kind: "deleted",
        sentence:
            "The data volume is deleted, with LinkMesh's database, internal CA and secret. A snapshot stays only if `finalSnapshot` was on in the last `up`.",
    },
    {
        type: "aws:ec2/eip:Eip",
        kind: "replaced",
        sentence: "A public IPv4 address changes. Firewalls and DNS records that you keep elsewhere need the new one.",
    },
    {
        type: "aws:ec2/eip:Eip",
        kind: "deleted",
        sentence: "A public IPv4 address is given up, and does not come back.",
    },
    {
        type: "aws:ec2/networkInterface:NetworkInterface",
        kind: "replaced",
        sentence: "The IPv6 address changes, and the machine is replaced.",
    },
    {
        type: "aws:ec2/networkInterface:NetworkInterface",
        kind: "deleted",
        sentence: "The IPv6 address is given up.",
    },
    {
        type: BALANCER,
        kind: "replaced",
        sentence:
            "The load balancer is replaced. All sessions end, and LinkMesh does not answer until the new one is ready, for some minutes.",
    },
    {
        type: BALANCER,
        kind: "deleted",
        when: has(isMachine, "created"),
        sentence:
            "One machine takes the place of the nodes. The names lead to it before it is set up, so LinkMesh does not answer for some minutes. Its data volume is the one that the stack has kept; without one it is made of `restoreFrom`, or empty.",
    },
    { type: BALANCER, kind: "deleted", sentence: "The load balancer is removed. LinkMesh does not answer without it." },
    { type: "aws:lb/listener:Listener", kind: "deleted", when: has(ofBalancer, "deleted"), sentence: undefined },
    {
        type: "aws:lb/listener:Listener",
        kind: "deleted",
        sentence: "A port of the load balancer is closed, and its sessions end.",
    },
    {
        type: "aws:lb/targetGroup:TargetGroup",
        kind: "replaced",
        when: has(ofBalancer, "replaced"),
        sentence: undefined,
    },
    {
        type: "aws:lb/targetGroup:TargetGroup",
        kind: "replaced",
        // The listener sends to the new group before its nodes are healthy there. The old one ends its connections.
        sentence: "A target group is replaced. Its port does not answer for about a minute, and its sessions end.",
    },
    {
        type: INSTANCE,
        kind: "replaced",
        when: isNode,
        sentence:
            "Nodes are replaced. The old ones serve until all new ones are set up; then their clients connect again. The new ones have other addresses of their own.",
    },
    {
        type: INSTANCE,
        kind: "deleted",
        when: (change, others) => isNode(change) && has(isMachine, "created")(change, others),
        sentence: undefined,
    },
    {
        type: INSTANCE,
        kind: "deleted",
        when: (change, others) => isNode(change) && has(isFirstNode, "deleted")(change, others),
        sentence: "All nodes are removed. LinkMesh does not answer until an `up` creates others.",
    },
    {
        type: INSTANCE,
        kind: "deleted",
        when: isNode,
        sentence: "Nodes are removed. Their clients connect again to those that stay.",
    },
    {
        type: INSTANCE,
        kind: "deleted",
        when: has(isFirstNode, "created"),
        sentence:
            "Several nodes take the machine's place. The machine serves until the first of them is set up and the names lead to the load balancer; then all clients connect again. Agents stay enrolled only if the nodes have its internal CA and server secret. With `dns=external`, change the records before the update ends, because it deletes the machine.",
    },
    {
        type: INSTANCE,
        kind: "replaced",
        sentence: "The machine is replaced. LinkMesh does not answer for a minute or two; the data stays.",
    },
    {
        type: INSTANCE,
        kind: "deleted",
        sentence: "The machine is removed. LinkMesh does not answer until an `up` creates another one.",
    },
    { type: RECORD, kind: "replaced", when: isValidation, sentence: undefined },
    { type: RECORD, kind: "deleted", when: isValidation, sentence: undefined },
    {
        type: RECORD,
        kind: "replaced",
        sentence: "DNS records are replaced. Their names may not resolve for some seconds.",
    },
    {
        type: RECORD,
        kind: "deleted",
        sentence: "DNS records are removed. Names that have no other record no longer resolve.",
    },
];

/** A sentence about each kind of loss, with the resources that it is about. Pure. */
export function lossesIn(changes: readonly Change[]): { sentence: string; lost: Change[] }[] {
    const meanings = changes.map((change) => ({ change, loss: lossOf(change, changes) }));
    return LOSSES.flatMap((loss) => {
        const lost = meanings
            .filter((one) => one.loss === loss)
            .map(({ change }) => change)
            .sort(byName);
        return loss.sentence === undefined || lost.length === 0 ? [] : [{ sentence: loss.sentence, lost }];
    });
}

function lossOf(change: Change, changes: readonly Change[]): Loss | undefined {
    const proxy = placeOf(change)?.proxy;
    const others = changes.filter((other) => placeOf(other)?.proxy === proxy);
    return LOSSES.find(
        ({ type, kind, when = () => true }) => type === change.type && kind === change.kind && when(change, others),
    );
}
