import * as pulumi from "@pulumi/pulumi";
import { certificateNames } from "../../certificate.ts";
import type { Settings } from "../../settings/settings.ts";
import type { DnsArgs } from "./dns.ts";
import type { Zone } from "./provider.ts";

/** The CAA records of the settings. Warns of what they forbid. */
export function caaOf(settings: Settings, zone: Zone | undefined): DnsArgs["caa"] {
    const { caaIssuer: issuer, caaAccountUri: accountUri } = settings;
    if (issuer === "") return undefined;
    const names = certificateNames(settings);
    if (zone && names.includes(zone.name)) {
        void pulumi.log.warn(
            `caaIssuer: ${zone.name} is the zone itself, so its CAA records apply to every name below it that has none of its own, and forbid wildcards there.`,
        );
    }
    if (accountUri !== "") {
        void pulumi.log.warn(
            `caaAccountUri: only this account's key gets certificates for the names. The key is on the data volume. If you lose the volume and have no snapshot, remove the CAA records first.`,
        );
    }
    return { names, issuer, accountUri: accountUri || undefined };
}
