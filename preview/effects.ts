import type { Effect } from "../components/settings/schema/setting.ts";
import type { Change } from "./changes.ts";
import { changedParts, propertyDiff } from "./diffs.ts";
import { INSTANCE, isFirstNode, isNode, placeOf, proxiesIn } from "./places.ts";
import { STEP_EFFECTS } from "./step-effects.ts";

/** What a reviewer has to know besides what is lost. */
const NOTES = {
    "LinkMesh restarts": "LinkMesh restarts. The UI is down for some seconds, and collectors and agents connect again.",
    "nodes restart":
        "LinkMesh restarts on one node after the other, which takes twice `drainSeconds` on each, and the time of its steps. The others serve, and the clients of that node connect again to them.",
    "new certificate": "A new certificate is ordered, which counts against the authority's limits.",
    "certificate issued":
        "AWS Certificate Manager issues a certificate. With `dns=external`, `up` waits up to 75 minutes for its records.",
    "certificate exchanged": "The load balancer gets another certificate, which drops no session.",
    "nginx reloads": "nginx reloads, which drops no session.",
    "firewall rules change": "Firewall rules change.",
    "nodes added":
        "Nodes are added. They get new connections once they are set up; the sessions that there are stay where they are.",
} satisfies Partial<Record<Effect, string>> & Record<string, string>;
type Note = keyof typeof NOTES;

/** What happens besides losses, with the names of the proxies if the changes concern several. Pure. */
export function notesOn(changes: readonly Change[]): { note: string; proxies: string[] }[] {
    const renewed = new Set(changes.filter(isNew).map(keyOf));
    const found = changes.flatMap((change) => {
        const proxy = placeOf(change)?.proxy;
        const own = renewed.has(keyOf(change)) ? [] : effectsOf(change);
        return [...own, ...balancerEffects(change, changes)].map((note) => ({ note, proxy }));
    });
    const several = proxiesIn(changes).length > 1;
    return Object.entries(NOTES).flatMap(([note, sentence]) => {
        const those = found.filter((one) => one.note === note);
        const proxies = several ? those.flatMap(({ proxy }) => proxy ?? []) : [];
        return those.length === 0 ? [] : [{ note: sentence, proxies: [...new Set(proxies)] }];
    });
}

/** A new machine or node runs every step, with nobody connected. The rules of a new load balancer have let nobody in. */
function isNew({ type, kind }: Change): boolean {
    if (type === "aws:lb/loadBalancer:LoadBalancer") return kind === "created" || kind === "deleted";
    return type === INSTANCE && kind !== "updated";
}

function keyOf(change: Change): string {
    const { proxy, node } = placeOf(change) ?? {};
    return JSON.stringify([proxy, node]);
}

function effectsOf(change: Change): readonly (Effect | Note)[] {
    if (/^aws:vpc\/securityGroup(In|E)gressRule:/.test(change.type)) {
        // Tags let nobody in or out.
        const tagsAlone = change.kind === "updated" && propertyDiff(change, false).lines.length === 0;
        return tagsAlone ? [] : ["firewall rules change"];
    }
    const inputs = STEP_EFFECTS[change.step ?? ""] ?? {};
    const effects = changedParts(change).flatMap((part) => inputs[part] ?? []);
    if (placeOf(change)?.node === undefined) return effects;
    return effects.map((effect) => (effect === "LinkMesh restarts" ? "nodes restart" : effect));
}

function balancerEffects(change: Change, changes: readonly Change[]): Note[] {
    const { type, kind, old, now } = change;
    if (type === "aws:lb/listener:Listener")
        return kind === "updated" && old.certificateArn !== now.certificateArn ? ["certificate exchanged"] : [];
    if (type === "aws:acm/certificate:Certificate")
        return now.validationMethod !== undefined && kind !== "updated" ? ["certificate issued"] : [];
    return isAdded(change, changes) ? ["nodes added"] : [];
}

/** Not where there was none before: in a new stack, after a pause, or in the place of one machine. */
function isAdded(change: Change, changes: readonly Change[]): boolean {
    const proxy = placeOf(change)?.proxy;
    const isFirst = (other: Change) => isFirstNode(other) && placeOf(other)?.proxy === proxy;
    return (
        isNode(change) && change.kind === "created" && !changes.some((one) => isFirst(one) && one.kind === "created")
    );
}
