import fc from "../any.ts";
import { beforeAll, expect, test } from "vitest";
import { renderNginx } from "../../components/host/render/nginx/config.ts";
import { anyNginx } from "../unit/any-nginx.ts";
import { authorities, type Authorities } from "./checks-site.ts";
import { NginxServer } from "./nginx-server.ts";

// The rendered files as nginx takes them. Few runs, because a run takes a process.

let trust: Authorities;
beforeAll(async () => {
    trust = await authorities();
});

test("nginx accepts what any valid settings render, without a warning", async () => {
    await fc.assert(
        fc.asyncProperty(anyNginx, async (args) => {
            // Where the tests put the certificate.
            const certificate = `/etc/letsencrypt/live/${args.domain}`;
            const config = renderNginx({ ...args, certificate });
            const upstream = { http: 8080, grpc: 50061 };
            const options = { config, domain: args.domain, certificate: trust.publicPair, upstream };
            const { accepted, output } = await NginxServer.test(options);
            expect(accepted, output).toBe(true);
            expect(output).not.toContain("[warn]");
        }),
        { numRuns: 25 },
    );
});
