import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Configuration } from "../../../lab/engine/config.ts";
import { LAB_DOMAIN } from "../../../lab/lab.ts";
import { DryLab, type KeptStack } from "../dry-lab.ts";
import { cleaned, ownCertificate, writeStates } from "./kept-states.ts";

/*
 * `npm run keep-state`, for a release: keeps the stacks that this version makes in several modes, for the test that the
 * next version replaces nothing in them. The engine and the stand-in for AWS are real, the steps do not run.
 *
 * With a directory, keeps those of the checkout there: node --import tsx test/lab/states/keep.ts DIRECTORY
 */

const checkout = resolve(process.argv[2] ?? join(import.meta.dirname, "../../.."));
const { version } = JSON.parse(readFileSync(join(checkout, "package.json"), "utf8")) as { version: string };

const SETTINGS: Configuration = {
    domain: LAB_DOMAIN,
    sshAllowedCidrs: ["198.51.100.7/32", "2001:db8::/64"],
    linkmeshDebUrl: "https://packages.example.com/linkmesh-server_1.101.0_amd64.deb",
    linkmeshDebSha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
};

const MODES: Record<string, { program?: string; settings: Configuration }> = {
    defaults: { settings: {} },
    production: {
        settings: {
            ...{ acmeDirectory: "production", protect: true, dailySnapshots: 7, finalSnapshot: true },
            ...{ acmeChallenge: "dns-01", caaIssuer: "letsencrypt.org", uiDomain: "ui.example.test" },
            ...{ grpcDomain: "grpc.example.test", httpsAllowedCidrs: ["198.51.100.0/24"], tags: { team: "platform" } },
        },
    },
    "existing network": {
        settings: {
            ...{ subnetId: "subnet-0400", dns: "external" },
            ...(await ownCertificate()),
            operatingSystem: "debian-12",
        },
    },
    paused: { settings: { paused: true } },
    component: { program: "test/lab/states/component", settings: {} },
};

const stacks: Record<string, KeptStack & { program: string }> = {};
for (const [mode, { program = ".", settings }] of Object.entries(MODES)) {
    const lab = await DryLab.create(join(checkout, program));
    try {
        stacks[mode] = { program, ...cleaned(await lab.up({ ...SETTINGS, ...settings })) };
    } finally {
        lab.remove();
    }
}
console.log(writeStates({ version, stacks }));
