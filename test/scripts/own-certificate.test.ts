import { describe, expect, test } from "vitest";
import { certificate, DEAF, key, other, REFUSES, SERVES } from "./nginx-stubs.ts";
import { IMPATIENT, Machine, type Given } from "./step.ts";

describe("the step own-certificate", () => {
    const TLS = "/etc/linkmesh-proxy/tls";
    const machine = (given: Given = {}) =>
        new Machine({
            step: "own-certificate",
            variables: { DOMAIN: "linkmesh.example.com" },
            files: { "fullchain.pem": certificate, "privkey.pem": key },
            ...given,
            machine: {
                [`${TLS}/old/fullchain.pem`]: other.certificate,
                [`${TLS}/current`]: { link: "old" },
                "/etc/nginx/linkmesh/current/http-linkmesh.conf": `ssl_certificate ${TLS}/current/fullchain.pem;\n`,
                "/stub/served.pem": other.certificate,
                ...given.machine,
            },
        });

    test("puts certificate and key in use, and only root can read the key", () => {
        const on = machine({ stubs: SERVES });
        expect(on.run()).toMatchObject({ status: 0, errors: [] });
        const folder = `${TLS}/${on.read(`${TLS}/current`)!.slice(3)}`;
        expect(on.read(`${folder}/privkey.pem`)).toBe(key);
        expect([on.mode(`${folder}/privkey.pem`), on.mode(folder), on.mode(TLS)]).toEqual(["600", "700", "700"]);
        expect(on.sh(`ls ${TLS} | wc -l`)).toBe("2\n");
        expect(on.sh("cat /stub/served.pem")).toBe(certificate);
    });

    test.each<[string, Given["stubs"], RegExp]>([
        ["nginx refuses", REFUSES, /nginx refuses the certificate, so the one before is in place again: .*no luck/],
        ["nginx does not serve", DEAF, /nginx does not serve the certificate, so the one before is in place again: /],
    ])("one that %s leaves the one before", (_, stubs, error) => {
        const on = machine({ stubs });
        const before = on.files();
        expect(on.run(IMPATIENT).errors).toEqual([expect.stringMatching(error)]);
        expect(on.files()).toEqual(before);
        expect(on.sh(`ls ${TLS}`)).toBe("current\nold\n");
    });

    test("a first one that nginx refuses leaves no certificate", () => {
        const on = machine({ stubs: REFUSES });
        on.sh(`rm -r ${TLS}`);
        expect(on.run().errors).toHaveLength(1);
        expect(on.sh(`ls ${TLS}`)).toBe("");
    });
});
