import type { Values } from "../property-values.ts";
import { filters, filtersOf, matches } from "./filters.ts";
import { type CloudFunction, optionalText } from "./resource-type.ts";

/** The availability zones of every region of the lab. */
export function zonesOf(region: string): string[] {
    return ["a", "b", "c"].map((letter) => region + letter);
}

/** The Local Zone that the lab's account has opted in to. Its name sorts before the availability zones. */
export function localZoneOf(region: string): string {
    return `${region}-ham-1a`;
}

/** "euc1-az1" for zone a of eu-central-1, "euc1-ham1-az1" for its Local Zone. */
export function zoneId(zone: string): string {
    const [, area = "", direction = "", number = "", place = "", letter = ""] =
        /^([a-z]+)-([a-z]+)-(\d+)(-[a-z]+-\d+)?([a-z])$/.exec(zone) ?? [];
    const short = direction.replace(/north|south|east|west|central/g, (word) => word[0]!);
    return `${area}${short}${number}${place.replace(/-(\d+)$/, "$1")}-az${letter.charCodeAt(0) - 96}`;
}

export const getAvailabilityZones: CloudFunction = {
    inputs: { state: { kind: "string" }, excludeNames: { kind: "strings" }, filters },
    call({ region }, args) {
        const excluded = (args.excludeNames as string[] | undefined) ?? [];
        const found = [localZoneOf(region), ...zonesOf(region)]
            .map((name) => attributesOf(name, region))
            .filter((zone) => zone.state === (optionalText(args, "state") ?? zone.state))
            .filter((zone) => !excluded.includes(zone["zone-name"]))
            .filter((zone) => filtersOf(args).every((filter) => matches(zone, filter)));
        return {
            ...args,
            id: region,
            region,
            names: found.map((zone) => zone["zone-name"]),
            zoneIds: found.map((zone) => zone["zone-id"]),
            groupNames: [...new Set(found.map((zone) => zone["group-name"]))],
        } satisfies Values;
    },
};

function attributesOf(name: string, region: string) {
    const isLocal = name === localZoneOf(region);
    return {
        "zone-name": name,
        "zone-id": zoneId(name),
        "zone-type": isLocal ? "local-zone" : "availability-zone",
        "opt-in-status": isLocal ? "opted-in" : "opt-in-not-required",
        "group-name": isLocal ? name.slice(0, -1) : region,
        "region-name": region,
        state: "available",
    };
}
