import type { Effect } from "../components/settings/schema/setting.ts";
import type { Change, Kind } from "./changes.ts";
import { changedParts, propertyDiff } from "./diffs.ts";
import { STEP_EFFECTS } from "./step-effects.ts";

/** What the loss of a resource means to those who use LinkMesh, the gravest first. */
const LOSSES: Readonly<Record<string, Partial<Record<Kind, string>>>> = {
    "aws:ebs/volume:Volume": {
        replaced:
            "A new data volume. LinkMesh's database, internal CA and secret are those of the snapshot in `restoreFrom`; without it they are lost, and every agent has to enrol again.",
        deleted:
            "The data volume is deleted, with LinkMesh's database, internal CA and secret. A snapshot stays only if `finalSnapshot` was on in the last `up`.",
    },
    "aws:ec2/eip:Eip": {
        replaced:
            "The public IPv4 address changes. Firewalls and DNS records that you keep elsewhere need the new one.",
        deleted: "The public IPv4 address is given up, and does not come back.",
    },
    "aws:ec2/networkInterface:NetworkInterface": {
        replaced: "The IPv6 address changes, and the machine is replaced.",
        deleted: "The IPv6 address is given up.",
    },
    "aws:ec2/instance:Instance": {
        replaced: "The machine is replaced. LinkMesh does not answer for a minute or two; the data stays.",
        deleted: "The machine is removed. LinkMesh does not answer until an `up` creates another one.",
    },
    "aws:route53/record:Record": {
        replaced: "DNS records are replaced. Their names may not resolve for some seconds.",
        deleted: "DNS records are removed. Names that have no other record no longer resolve.",
    },
};

/** A sentence about each kind of loss, with the resources that it is about. Pure. */
export function lossesIn(changes: readonly Change[]): { sentence: string; lost: Change[] }[] {
    return Object.entries(LOSSES).flatMap(([type, sentences]) =>
        Object.entries(sentences).flatMap(([kind, sentence]) => {
            const lost = changes.filter((change) => change.type === type && change.kind === kind);
            return lost.length === 0 ? [] : [{ sentence, lost }];
        }),
    );
}

/** What a reviewer has to know of the rest. */
const NOTES: Partial<Record<Effect, string>> = {
    "LinkMesh restarts": "LinkMesh restarts. The UI is down for some seconds, and collectors and agents connect again.",
    "new certificate": "A new certificate is ordered, which counts against the authority's limits.",
    "nginx reloads": "nginx reloads, which drops no session.",
    "firewall rules change": "Firewall rules change.",
};

/** What happens on the machines that stay, with the names of the proxies if the changes concern several. Pure. */
export function notesOn(changes: readonly Change[]): { note: string; proxies: string[] }[] {
    // A new machine runs every step, with nobody connected.
    const isNew = ({ type, kind }: Change) => type === "aws:ec2/instance:Instance" && kind !== "updated";
    const renewed = new Set(changes.filter(isNew).map(proxyOf));
    const effects = changes
        .filter((change) => !renewed.has(proxyOf(change)))
        .flatMap((change) => effectsOf(change).map((effect) => ({ effect, proxy: proxyOf(change) })));
    const several = proxiesIn(changes).length > 1;
    return Object.entries(NOTES).flatMap(([effect, note]) => {
        const found = effects.filter((one) => one.effect === effect);
        const proxies = several ? found.flatMap(({ proxy }) => proxy ?? []) : [];
        return found.length === 0 ? [] : [{ note, proxies: [...new Set(proxies)] }];
    });
}

/** The names of the proxies that are concerned. */
export function proxiesIn(changes: readonly Change[]): string[] {
    return [...new Set(changes.flatMap((change) => proxyOf(change) ?? []))];
}

/** The name of the LinkMeshProxy that has this step, machine or firewall rule. */
export function proxyOf({ name, step }: Change): string | undefined {
    if (step !== undefined) return name.slice(0, -`-${step}`.length);
    return /^(.*?)-(?:machine-instance$|security-)/.exec(name)?.[1];
}

function effectsOf(change: Change): readonly Effect[] {
    if (/^aws:vpc\/securityGroup(In|E)gressRule:/.test(change.type)) {
        // Tags let nobody in or out.
        const tagsAlone = change.kind === "updated" && propertyDiff(change, false).lines.length === 0;
        return tagsAlone ? [] : ["firewall rules change"];
    }
    const inputs = STEP_EFFECTS[change.step ?? ""] ?? {};
    return changedParts(change).flatMap((part) => inputs[part] ?? []);
}
