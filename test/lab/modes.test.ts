import { afterAll, beforeAll, describe, test } from "vitest";
import { EXISTING_SUBNET_PRIVATE } from "../../lab/cloud/existing-network.ts";
import { alarms, noAlarms } from "./alarms.ts";
import { allowedNetworks } from "./allowed-networks.ts";
import { corporateAuthority } from "./corporate-authority.ts";
import { dnsChallenge } from "./dns-challenge.ts";
import { expectNothingLeft, lab, labOk, linkmeshInfo, sets, theLab, useLab } from "./lab.ts";
import type { Run } from "./run.ts";
import { GRPC, UI, onePort } from "./one-port.ts";
import { ownCertificate } from "./own-certificate.ts";
import { privateNetwork } from "./private-network.ts";
import { NO_SESSION_MANAGER, noSessionManager, sessionManager, sessionManagerSettings } from "./session-manager.ts";

// One stack that goes from mode to mode, as `--set` brings each of them up by hand; docs/modes.md lists them.
useLab("test-modes");

beforeAll(async () => {
    await lab("destroy", "--ignore-protect");
    await labOk("up", "--set", "grpc=false");
});
afterAll(async () => {
    await lab("destroy", "--ignore-protect");
});

describe("gRPC off, allowed networks, a trusted proxy", () => {
    beforeAll(async () => {
        const { net } = theLab();
        await labOk(
            "up",
            ...sets({
                httpsAllowedCidrs: `${net.outer}/32,${net.outer6}/128`,
                trustedProxies: `${net.outer}/32`,
                sessionsPerAddress: "60",
            }),
        );
    });
    allowedNetworks();
});

describe("one port and a UI name", () => {
    beforeAll(async () => {
        await labOk(
            "up",
            ...sets({
                // All networks by name: the rules are the same as without a list.
                ...{ grpc: "", httpsAllowedCidrs: "0.0.0.0/0,::/0", trustedProxies: "", sessionsPerAddress: "" },
                grpcDomain: GRPC,
                uiDomain: UI,
                caaIssuer: "pki.example.test",
            }),
        );
    });
    onePort();
});

describe("alarms and Session Manager, and then your own certificate", () => {
    let up: Run;
    beforeAll(async () => {
        const open = { grpcDomain: "", uiDomain: "", caaIssuer: "", httpsAllowedCidrs: "" };
        up = await labOk("up", ...sets({ ...open, alarms: "ops@example.test", ...sessionManagerSettings() }));
    });
    alarms(() => up);
    sessionManager();
    ownCertificate();
});

describe("a DNS challenge, a wildcard, gRPC for one network", () => {
    beforeAll(async () => {
        const { net } = theLab();
        await labOk(
            "up",
            ...sets({
                ...{ acmeChallenge: "dns-01", certificateNames: "*.example.test", httpRedirect: "false" },
                ...{ alarms: "", ...NO_SESSION_MANAGER },
                grpcAllowedCidrs: `${net.outer}/32,${net.outer6}/128`,
            }),
        );
    });
    noAlarms();
    noSessionManager();
    dnsChallenge();
});

describe("another authority", () => {
    beforeAll(async () => {
        await labOk("up", ...sets({ acmeChallenge: "", certificateNames: "", httpRedirect: "", grpcAllowedCidrs: "" }));
    });
    corporateAuthority();
});

describe("a private network", () => {
    let before: Awaited<ReturnType<typeof linkmeshInfo>>;
    beforeAll(async () => {
        before = await linkmeshInfo();
        await labOk(
            "up",
            ...sets({
                ...{ acmeDirectory: "", acmeCaBundle: "", acmeEabKeyId: "", acmeEabHmacKey: "" },
                ...{ subnetId: EXISTING_SUBNET_PRIVATE, publicAddress: "false" },
                ...{ acmeChallenge: "dns-01", httpRedirect: "false" },
            }),
        );
    });
    privateNetwork(() => before);
});

test("destroy leaves nothing of any mode", async () => {
    await labOk("destroy", "--stack");
    expectNothingLeft();
});
