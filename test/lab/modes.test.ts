import { afterAll, beforeAll, describe } from "vitest";
import { access } from "./access.ts";
import { lab, labOk, theLab, useLab } from "./lab.ts";
import { onePort } from "./one-port.ts";
import { ownCertificate } from "./own-certificate.ts";

// One stack that goes from mode to mode, as `--set` brings each of them up by hand; docs/modes.md lists them.
useLab("test-modes");

beforeAll(async () => {
    await lab("destroy", "--ignore-protect");
});
afterAll(async () => {
    await lab("destroy", "--ignore-protect");
});

const sets = (values: Record<string, string>) =>
    Object.entries(values).flatMap(([key, value]) => ["--set", `${key}=${value}`]);

describe("one port and a UI name", () => {
    beforeAll(async () => {
        await labOk(
            "up",
            ...sets({
                grpcDomain: "grpc.linkmesh.example.test",
                uiDomain: "ui.example.test",
                caaIssuer: "pki.example.test",
            }),
        );
    });
    onePort();
});

describe("gRPC off, networks, a trusted hop", () => {
    beforeAll(async () => {
        const { net } = theLab();
        await labOk(
            "up",
            ...sets({
                ...{ grpcDomain: "", uiDomain: "", caaIssuer: "", grpc: "false" },
                httpsAllowedCidrs: `${net.outer}/32,${net.outer6}/128`,
                trustedHops: `${net.outer}/32`,
            }),
        );
    });
    access();
});

describe("a certificate of one's own", () => {
    beforeAll(async () => {
        await labOk("up", ...sets({ grpc: "", httpsAllowedCidrs: "", trustedHops: "" }));
    });
    ownCertificate();
});
