import { parseSettings, SettingsError } from "../../components/settings/load.ts";

/** The fewest settings that are enough. */
export const GOOD = {
    domain: "linkmesh.example.com",
    sshAllowedCidrs: ["198.51.100.7/32"],
    linkmeshDebUrl: "https://packages.example.com/linkmesh-server.deb",
    linkmeshDebSha256: "0".repeat(64),
};

/** The sentences with which the settings refuse these values; none if they take them. */
export function problems(values: Record<string, unknown>): readonly string[] {
    try {
        parseSettings(values);
        return [];
    } catch (error) {
        if (error instanceof SettingsError) return error.problems;
        throw error;
    }
}
