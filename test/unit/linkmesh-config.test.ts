import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../lab/linkmesh/server/config.ts";

const parse = (text: string) => parseConfig(text, "config.yaml");

describe("config.yaml of the stand-in", () => {
    it("has the documented defaults", () => {
        expect(parse("").config).toMatchObject({
            httpPort: 8080,
            grpcPort: 50051,
            boltPath: "/data/linkmesh/state.db",
            trustedProxies: [],
            metricsEnabled: false,
        });
    });

    it("is shipped without warnings, with the data in /var/lib/linkmesh", () => {
        const shipped = new URL("../../lab/linkmesh/package/etc/linkmesh/config.yaml", import.meta.url);
        const { config, warnings } = parse(readFileSync(shipped, "utf8"));
        expect(warnings).toEqual([]);
        expect(config.boltPath).toBe("/var/lib/linkmesh/state.db");
    });

    it("accepts the guide's example", () => {
        const { config } = parse(`
externalUrl: "https://linkmesh.example.com"
http: {trustedProxies: ["127.0.0.1/32", "10.0.0.0/8", "::1"]}
grpc: {port: 50061, externalUrl: "linkmesh.example.com:50051"}
`);
        expect(config.externalUrl).toBe("https://linkmesh.example.com");
        expect(config.trustedProxies).toEqual(["127.0.0.1/32", "10.0.0.0/8", "::1"]);
        expect(config.grpcPort).toBe(50061);
        expect(config.grpcExternalUrl).toBe("linkmesh.example.com:50051");
    });

    it("accepts a section whose keys are all commented out", () => {
        expect(parse("http:\n  # port: 1\n").config.httpPort).toBe(8080);
    });

    it("warns about unknown keys at any depth", () => {
        expect(parse("licence: {file: x}\nhttp: {host: 127.0.0.1}").warnings).toEqual([
            "config.yaml: unknown key licence is ignored",
            "config.yaml: unknown key http.host is ignored",
        ]);
    });

    it.each([
        ["externalUrl: linkmesh.example.com", "externalUrl must be an http or https URL"],
        ["externalUrl: https://linkmesh.example.com/ui", "externalUrl must be an http or https URL"],
        ["http: {trustedProxies: 127.0.0.1}", "http.trustedProxies must be a list"],
        ["http: {trustedProxies: [127.0.0.1/33]}", "http.trustedProxies must be a list"],
        ["http: {trustedProxies: [proxy]}", "http.trustedProxies must be a list"],
        ["http: 8080", "http must be a mapping"],
        ["grpc: {port: 0}", "grpc.port must be a port number"],
        ["grpc: {port: '50061'}", "grpc.port must be a port number"],
        ["grpc: {externalUrl: 'https://linkmesh.example.com:50051'}", "grpc.externalUrl must be host:port"],
        ["grpc: {externalUrl: linkmesh.example.com}", "grpc.externalUrl must be host:port"],
        ["storage: {boltPath: state.db}", "storage.boltPath must be an absolute path"],
        ["storage: {backend: sqlite}", "storage.backend must be bolt or mongodb"],
        ["gitops: {remote: 'git@example.com:x.git'}", "gitops.remote must be an https URL without a login"],
        ["gitops: {remote: 'https://user:pass@example.com/x.git'}", "gitops.remote must be an https URL without"],
        ["gitops: {branch: -x}", "gitops.branch must be the name of a branch"],
        ["gitops: {caFile: ca.pem}", "gitops.caFile must be an absolute path"],
        ["metrics: {enabled: 'yes'}", "metrics.enabled must be true or false"],
        ["- a\n- b", "must hold a mapping"],
        ["grpc: {port: 1}\ngrpc: {port: 2}", "not valid YAML"],
        ["a: [", "not valid YAML"],
    ])("refuses %j in one line", (text, message) => {
        expect(() => parse(text)).toThrow(message);
        expect(() => parse(text)).toThrow(/^config\.yaml: [^\n]+$/);
    });
});
