import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { DNS_PROVIDERS } from "../../components/cloud/dns/providers.ts";
import { machinePackages } from "../../components/host/packages.ts";

test("the script for an image of one's own installs what the machines of all modes need", () => {
    const modes = Object.values(DNS_PROVIDERS).map(({ dns01 }) => machinePackages({ tlsCertificate: "" }, dns01));
    const script = readFileSync(new URL("../../docs/machine-image.sh", import.meta.url), "utf8");
    const [, packages] = /^PACKAGES='([^']*)'$/m.exec(script)!;
    expect(packages!.split(/\s+/).sort()).toEqual([...new Set(modes.flat())].sort());
});
