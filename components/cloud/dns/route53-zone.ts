import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../../settings/settings.ts";
import { certificateNames, usesDns01 } from "../../certificate.ts";
import { recordNames } from "../../endpoints.ts";
import { withoutWildcard } from "../../hostnames.ts";
import type { Zone } from "./provider.ts";
import { lookedUp, providerMessage } from "../lookups/failure.ts";

type Ask = (name: string) => Promise<Zone | undefined>;

/** Reserved by RFC 6761: nobody has such a zone. */
const NO_ZONE = "linkmesh-proxy.invalid";

/** The Route 53 zone of all records: the one that is named, or the closest around the names. @throws RunError */
export async function findZone(settings: Settings, opts: pulumi.InvokeOptions): Promise<Zone> {
    const asked = new Map<string, Promise<Zone | undefined>>();
    const absence = wordsOfAbsence(opts);
    const ask: Ask = (name) => asked.get(name) ?? asked.set(name, zoneNamed(name, absence, opts)).get(name)!;
    return settings.hostedZone === "" ? zoneAround(recordNames(settings), ask) : namedZone(settings, ask);
}

async function namedZone(settings: Settings, ask: Ask): Promise<Zone> {
    const zone = await ask(settings.hostedZone);
    if (!zone) {
        throw new pulumi.RunError(
            `hostedZone: this AWS account has no public hosted zone ${settings.hostedZone}. Create it in Route 53, or name another zone.`,
        );
    }
    // certbot looks for the closest zone by itself, and the role has rights for one.
    const challenged = usesDns01(settings) ? certificateNames(settings).map(withoutWildcard) : [];
    const zones = await Promise.all(challenged.map((name) => closestZone(name, ask)));
    const other = zones.findIndex((closest) => closest?.id !== zone.id);
    if (other >= 0) {
        throw new pulumi.RunError(
            `hostedZone: the DNS challenge of ${challenged[other]} belongs into the zone ${zones[other]?.name}, which is closer to the name than ${zone.name}. Set hostedZone to ${zones[other]?.name}, or delete that zone in Route 53 if it is not in use.`,
        );
    }
    return zone;
}

async function zoneAround(names: readonly string[], ask: Ask): Promise<Zone> {
    const zones = await Promise.all(names.map((name) => closestZone(name, ask)));
    const missing = names.filter((_, i) => !zones[i]);
    if (missing.length > 0) {
        throw new pulumi.RunError(
            `domain: this AWS account has no public hosted zone for ${missing.join(" and ")}. Create one in Route 53, or set dns to external.`,
        );
    }
    const other = zones.findIndex((zone) => zone!.id !== zones[0]!.id);
    if (other > 0) {
        throw new pulumi.RunError(
            `hostedZone: ${names[0]} is in the zone ${zones[0]!.name} and ${names[other]} in ${zones[other]!.name}. Choose names of one zone.`,
        );
    }
    return zones[0]!;
}

/** The closest zone around a name. All are asked at once, for a preview's sake; what is wrong with those further up does not count. */
async function closestZone(name: string, ask: Ask) {
    const labels = name.split(".");
    const names = labels.slice(0, -1).map((_, skip) => labels.slice(skip).join("."));
    for (const answer of await Promise.allSettled(names.map(ask))) {
        if (answer.status === "rejected") throw answer.reason;
        if (answer.value) return answer.value;
    }
    return undefined;
}

async function zoneNamed(name: string, absence: Promise<string>, opts: pulumi.InvokeOptions) {
    try {
        const zone = await aws.route53.getZone({ name, privateZone: false }, opts);
        return { id: zone.zoneId, name, nameServers: zone.nameServers };
    } catch (error) {
        const text = providerMessage(error);
        if (text.replaceAll(name, NO_ZONE) === (await absence)) return undefined;
        if (/multiple Route ?53/i.test(text)) {
            throw new pulumi.RunError(
                `hostedZone: this AWS account has several public hosted zones ${name}. Delete the ones that are not in use.`,
            );
        }
        throw new pulumi.RunError(
            `hostedZone: looking up ${name} in Route 53 failed: ${text}. The lookup needs the rights route53:ListHostedZones, route53:GetHostedZone and route53:ListTagsForResource.`,
        );
    }
}

/**
 * How the provider says that there is no such zone: as it says it of one that cannot be, while it can list those that
 * are. Its plural look-up gives ids alone, and to ask for each would take three requests of Route 53's five a second.
 */
function wordsOfAbsence(opts: pulumi.InvokeOptions): Promise<string> {
    const listed = lookedUp(
        "hostedZone: the hosted zones cannot be looked up",
        "route53:ListHostedZones",
        aws.route53.getZones(opts),
    );
    const said = aws.route53.getZone({ name: NO_ZONE, privateZone: false }, opts).then(() => "", providerMessage);
    const absence = listed.then(() => said);
    // Awaited where a zone is missing alone.
    absence.catch(() => undefined);
    return absence;
}
