import fc from "../any.ts";
import { listeners } from "../../components/listeners.ts";
import { loopbackAddresses } from "../../components/host/render/nginx/sizes.ts";
import type { NginxArgs } from "../../components/host/render/nginx/args.ts";
import { certificateFolder } from "../../components/host/certificate.ts";
import { parseSettings } from "../../components/settings/load.ts";
import { validSettings, VALUES, written } from "./any-settings.ts";

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
const name = fc.oneof(
    fc.domain(),
    fc.array(label, { minLength: 2, maxLength: 6 }).map((labels) => `${labels.join(".")}.example`),
    // Valid ones, of which many are longer than nginx's hash takes.
    {
        arbitrary: fc
            .array(fc.constantFrom("a", "linkmesh-ui", "x".repeat(40)), { minLength: 1, maxLength: 5 })
            .map((labels) => `${labels.join(".")}.example.com`),
        weight: 4,
    },
    { arbitrary: written, weight: 1 },
);
const plainNetwork = fc.oneof(
    fc.tuple(fc.ipV4(), fc.constantFrom(8, 16, 24, 32)).map(([address, length]) => masked4(address, length)),
    fc.ipV6().map((address) => `${address}/128`),
);
const network = fc.oneof(plainNetwork, written);
/** As AWS writes a subnet's. */
const subnet = fc.oneof(
    fc.tuple(fc.ipV4(), fc.constantFrom(16, 24)).map(([address, length]) => masked4(address, length)),
    fc
        .tuple(fc.nat(0xffff), fc.nat(0xffff))
        .map((groups) => `2001:db8:${groups.map((n) => n.toString(16)).join(":")}::/64`),
);
const masked4 = (address: string, length: number) =>
    `${address
        .split(".")
        .map((part, i) => (8 * (i + 1) <= length ? part : "0"))
        .join(".")}/${length}`;

/** What nginx is rendered from, for any valid settings that it depends on. */
export const anyNginx: fc.Arbitrary<NginxArgs> = fc
    .tuple(
        fc.boolean(),
        fc.option(fc.uniqueArray(subnet, { minLength: 1, maxLength: 4 }), { nil: undefined }),
        validSettings({
            domain: name,
            uiDomain: name,
            grpc: fc.boolean(),
            grpcDomain: name,
            acmeChallenge: fc.constantFrom("http-01", "dns-01"),
            httpRedirect: fc.boolean(),
            trustedProxies: fc.array(network, { maxLength: 4 }),
            httpsAllowedCidrs: VALUES.array,
            acmeDirectory: fc.oneof(fc.constantFrom("staging", "production"), written),
            collectorsExpected: fc.integer({ min: 1, max: 200_000 }),
            sessionsPerAddress: fc.integer({ min: 0, max: 65_535 }),
        }),
    )
    .map(([ipv6, balancer, values]) => {
        const settings = parseSettings(values);
        const { domain, uiDomain, trustedProxies, collectorsExpected, sessionsPerAddress } = settings;
        return {
            ...{ domain, uiDomain, trustedProxies, collectorsExpected, sessionsPerAddress, ipv6 },
            listeners: listeners(settings),
            linkmeshAddresses: loopbackAddresses(collectorsExpected),
            certificate: certificateFolder(settings),
            // It ends TLS, so it reads no name that gRPC could share port 443 by.
            balancer: settings.grpcDomain === "" ? balancer : undefined,
        };
    });

/** The same in everything but names and networks, which are harmless. */
export function harmless(args: NginxArgs): NginxArgs {
    return {
        ...args,
        domain: "a.example",
        uiDomain: args.uiDomain && "b.example",
        listeners: args.listeners.map((one) => ({ ...one, serverName: one.serverName && "c.example" })),
        trustedProxies: args.trustedProxies.map(() => "192.0.2.0/24"),
        certificate: "/etc/a",
        balancer: args.balancer?.map(() => "192.0.2.0/24"),
    };
}
