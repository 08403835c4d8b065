/** The availability zones of every region of the lab. */
export function zonesOf(region: string): string[] {
    return ["a", "b", "c"].map((letter) => region + letter);
}

/** "euc1-az1" for zone a of eu-central-1. */
export function zoneId(zone: string): string {
    const [, area = "", direction = "", number = "", letter = ""] = /^([a-z]+)-([a-z]+)-(\d+)([a-z])$/.exec(zone) ?? [];
    const short = direction.replace(/north|south|east|west|central/g, (word) => word[0]!);
    return `${area}${short}${number}-az${letter.charCodeAt(0) - 96}`;
}
