import fc from "../any.ts";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { renderNginx, type NginxFile } from "../../components/host/render/nginx/config.ts";
import { aptLogin } from "../../components/host/render/apt.ts";
import { renderConfig } from "../../components/host/render/linkmesh.ts";
import { renderUserData } from "../../components/host/render/user-data.ts";
import { linkmeshConfigs, written } from "./any-settings.ts";
import { anyNginx, harmless } from "./any-nginx.ts";
import { GOOD } from "./given-settings.ts";
import { nginxTree, shape } from "./nginx-tree.ts";
import { problems } from "./problems.ts";

// No value breaks out of the file that it is rendered into. test/host/rendering.test.ts asks nginx itself.

test("nginx's directives and their nesting do not depend on names and networks", () => {
    fc.assert(
        fc.property(anyNginx, (args) => {
            const { files } = renderNginx(args);
            const { files: plain } = renderNginx(harmless(args));
            for (const name of ["http-redirect.conf", "http-linkmesh.conf", "main-stream.conf", "tls.inc"] as const) {
                expect(tree(files, name)).toEqual(tree(plain, name));
            }
        }),
    );
});

const tree = (files: Record<NginxFile, string>, name: NginxFile) => shape(nginxTree(files[name]));

test("LinkMesh's config.yaml holds every key and value unchanged", () => {
    fc.assert(
        fc.property(linkmeshConfigs, (extra) => {
            expect(parse(renderConfig({ domain: GOOD.domain, grpc: undefined, extra }))).toMatchObject(extra);
        }),
    );
});

test("user data holds any key unchanged", () => {
    const line = fc.string({ unit: "binary" }).map((value) => value.trim());
    fc.assert(
        fc.property(line, line, fc.string({ unit: "binary" }), (hostPublicKey, authorizedKey, hostPrivateKey) => {
            const text = renderUserData({ hostPrivateKey, hostPublicKey, authorizedKey });
            expect(parse(text)).toEqual({
                ssh_deletekeys: true,
                ssh_keys: { ed25519_private: hostPrivateKey, ed25519_public: hostPublicKey },
                ssh_authorized_keys: [authorizedKey],
                ssh_pwauth: false,
            });
        }),
    );
});

test("apt's login is one line of six words, whatever the source", () => {
    fc.assert(
        fc.property(fc.tuple(written, written, written), ([user, password, path]) => {
            const login = `${encodeURIComponent(wellFormed(user))}:${encodeURIComponent(wellFormed(password))}`;
            const linkmeshAptSource = `https://${login}@apt.example.com/${path} stable main`;
            const found = problems({ ...GOOD, linkmeshAptSource }).filter((one) =>
                one.startsWith("linkmeshAptSource "),
            );
            if (found.some((one) => /must/.test(one))) return;
            expect(aptLogin(linkmeshAptSource)).toMatch(/^(machine \S+( login \S+)?( password \S+)?\n)?$/);
        }),
    );
});

const wellFormed = (value: string) => Buffer.from(value).toString();
