import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../../settings/settings.ts";
import { certificateNames, usesDns01 } from "../../certificate.ts";
import { recordNames } from "../../endpoints.ts";
import { withoutWildcard } from "../../hostnames.ts";
import type { Zone } from "./provider.ts";
import { lookedUp, providerMessage } from "../lookups/failure.ts";

type LookUpZone = (name: string) => Promise<Zone | undefined>;

/** Reserved by RFC 6761, so no account has this zone. */
const MISSING_ZONE = "linkmesh-proxy.invalid";

/** The Route 53 zone of all records: hostedZone, or the closest zone that contains the names. @throws RunError */
export async function findZone(settings: Settings, opts: pulumi.InvokeOptions): Promise<Zone> {
    const lookups = new Map<string, Promise<Zone | undefined>>();
    const missingError = missingZoneError(opts);
    const lookUpZone: LookUpZone = (name) =>
        lookups.get(name) ?? lookups.set(name, getZone(name, missingError, opts)).get(name)!;
    return settings.hostedZone === "" ? commonZone(recordNames(settings), lookUpZone) : namedZone(settings, lookUpZone);
}

async function namedZone(settings: Settings, lookUpZone: LookUpZone): Promise<Zone> {
    const zone = await lookUpZone(settings.hostedZone);
    if (!zone) {
        throw new pulumi.RunError(
            `hostedZone: this AWS account has no public hosted zone ${settings.hostedZone}. Create it in Route 53, or name another zone.`,
        );
    }
    // certbot always uses the closest zone, and the instance role has rights for only one.
    const challengeNames = usesDns01(settings) ? certificateNames(settings).map(withoutWildcard) : [];
    const zones = await Promise.all(challengeNames.map((name) => closestZone(name, lookUpZone)));
    const other = zones.findIndex((closest) => closest?.id !== zone.id);
    if (other >= 0) {
        throw new pulumi.RunError(
            `hostedZone: the DNS challenge of ${challengeNames[other]} belongs into the zone ${zones[other]?.name}, which is closer to the name than ${zone.name}. Set hostedZone to ${zones[other]?.name}, or delete that zone in Route 53 if it is not in use.`,
        );
    }
    return zone;
}

async function commonZone(names: readonly string[], lookUpZone: LookUpZone): Promise<Zone> {
    const zones = await Promise.all(names.map((name) => closestZone(name, lookUpZone)));
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

/** The closest zone that contains a name. All candidates are looked up in parallel, and errors above the closest are ignored. */
async function closestZone(name: string, lookUpZone: LookUpZone) {
    const labels = name.split(".");
    const names = labels.slice(0, -1).map((_, skip) => labels.slice(skip).join("."));
    for (const answer of await Promise.allSettled(names.map(lookUpZone))) {
        if (answer.status === "rejected") throw answer.reason;
        if (answer.value) return answer.value;
    }
    return undefined;
}

async function getZone(name: string, missingError: Promise<string>, opts: pulumi.InvokeOptions) {
    try {
        const zone = await aws.route53.getZone({ name, privateZone: false }, opts);
        return { id: zone.zoneId, name, nameServers: zone.nameServers };
    } catch (error) {
        const text = providerMessage(error);
        if (text.replaceAll(name, MISSING_ZONE) === (await missingError)) return undefined;
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
 * The provider's error for a zone that does not exist, taken from a lookup of MISSING_ZONE. It counts only if all zones can
 * be listed: if requests are denied or fail, the error would be the same for an existing zone. The list has only ids, and
 * the name of each would take three requests, of which Route 53 allows five a second.
 */
function missingZoneError(opts: pulumi.InvokeOptions): Promise<string> {
    const listed = lookedUp(
        "hostedZone: the hosted zones cannot be looked up",
        "route53:ListHostedZones",
        aws.route53.getZones(opts),
    );
    const message = aws.route53
        .getZone({ name: MISSING_ZONE, privateZone: false }, opts)
        .then(() => "", providerMessage);
    const missingError = listed.then(() => message);
    // Awaited only if a zone is missing, so a rejection must not count as unhandled.
    missingError.catch(() => undefined);
    return missingError;
}
