import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import net from "node:net";
import { beforeAll, describe, expect, test } from "vitest";
import { runChecks, type Target } from "../../checks/index.ts";
import {
    authorities,
    cleanupsAfterEach,
    GRPC_HOST,
    HOST,
    startSite,
    UI_HOST,
    type Authorities,
    type Faults,
    type Site,
} from "./checks-site.ts";
import { freePort } from "./free-port.ts";

let trust: Authorities;
beforeAll(async () => {
    trust = await authorities();
});

const cleanups = cleanupsAfterEach();

async function site(faults: Faults = {}): Promise<Site["target"]> {
    const { target, stop } = await startSite(trust, faults);
    cleanups.push(stop);
    return target;
}

test.each(["127.0.0.1", "::1"])("a good set-up is green at %s", async (address) => {
    const results = await runChecks(await site({ address }));
    expect(results.map(({ name, status }) => `${name} ${status}`)).toEqual([
        "redirect ok",
        "https ok",
        "certificate ok",
        "opamp ok",
        "agent ok",
        "grpc ok",
        "closed ok",
    ]);
    expect(new Set(results.map(({ family }) => family))).toEqual(new Set([address === "::1" ? "ipv6" : "ipv4"]));
});

test("both address families are checked, each by itself", async () => {
    const { ipv4, httpPort } = await site();
    const results = await runChecks({ host: HOST, ipv4, ipv6: "::1", httpPort }, { only: ["redirect"] });
    expect(results.map(({ family, status }) => `${family} ${status}`)).toEqual(["ipv4 ok", "ipv6 fail"]);
});

test("with an address DNS is not asked, so that the name need not exist", async () => {
    const [result] = await runChecks(await site(), { only: ["https"] });
    expect(result!.status).toBe("ok");
});

test("closed: a port that answers is named", async () => {
    const target = await site();
    const { httpPort, closedPorts } = target;
    const [result] = await runChecks({ ...target, closedPorts: [...closedPorts, httpPort] }, { only: ["closed"] });
    expect(result!.status).toBe("fail");
    expect(result!.detail).toMatch(new RegExp(`^port ${httpPort} answers from outside; only .* should$`));
});

test("if nothing listens, each check says so, and nothing is thrown", async () => {
    const [port, grpcPort] = [await freePort(), await freePort()];
    const results = await runChecks(
        { host: HOST, ipv4: "127.0.0.1", httpPort: port, httpsPort: port, grpc: { port: grpcPort } },
        { only: ["redirect", "https", "certificate", "opamp", "agent", "grpc"] },
    );
    for (const { name, status, detail } of results) {
        const where = name === "grpc" ? grpcPort : port;
        expect([status, detail]).toEqual(["fail", `nothing listens on 127.0.0.1 port ${where}`]);
    }
});

test("a failed check is retried until it passes, and results keep their order", async () => {
    const target = await site();
    const late = net.createServer((socket) => {
        socket.on("error", () => {});
        socket.pipe(net.connect(target.httpPort, "127.0.0.1").on("error", () => {})).pipe(socket);
    });
    cleanups.push(() => new Promise((resolve) => late.close(resolve)));
    const port = await freePort();
    setTimeout(() => late.listen(port, "127.0.0.1"), 1_500);

    const order: string[] = [];
    const results = await runChecks(
        { ...target, httpPort: port },
        { retryForMs: 60_000, onResult: ({ name }) => order.push(name) },
    );
    expect(results.filter(({ status }) => status !== "ok")).toEqual([]);
    expect(order).toEqual(results.map(({ name }) => name));
});

describe("addresses", () => {
    test.each<[string, Partial<Target>, string, RegExp]>([
        ["as expected", { ipv4: "127.0.0.1", ipv6: "0:0::1" }, "ok", /127.0.0.1 and ::1|127.0.0.1 and 0:0::1/],
        ["one more in the DNS", { ipv4: "127.0.0.1" }, "fail", /returns 127.0.0.1, ::1 .* instead of 127.0.0.1 only/],
        ["an old one in the DNS", { ipv4: "127.0.0.2", ipv6: "::1" }, "fail", /instead of 127.0.0.2 and ::1/],
    ])("%s", async (_what, addresses, status, detail) => {
        const dns = [await nameServer({ A: ["127.0.0.1"], AAAA: ["::1"] })];
        const [result] = await runChecks({ host: HOST, dns, ...addresses }, { only: ["addresses"] });
        expect(result).toMatchObject({ name: "addresses", status });
        expect(result!.detail).toMatch(detail);
    });

    test("without addresses those in DNS are checked", async () => {
        const target = await site();
        const results = await runChecks({
            ...target,
            ipv4: undefined,
            dns: [await nameServer({ A: ["127.0.0.1"], AAAA: [] })],
        });
        expect(results.map(({ name, status }) => `${name} ${status}`).slice(0, 3)).toEqual([
            "addresses ok",
            "redirect ok",
            "https ok",
        ]);
    });

    test("without a record or a name server there is one failure and nothing else", async () => {
        const empty = [await nameServer({ A: [], AAAA: [] })];
        expect(await runChecks({ host: HOST, dns: empty })).toMatchObject([
            { status: "fail", detail: `there is no A or AAAA record for ${HOST}` },
        ]);
        const nobody = [`127.0.0.1:${await freePort()}`];
        expect(await runChecks({ host: HOST, dns: nobody, timeoutMs: 300 })).toMatchObject([
            { status: "fail", detail: expect.stringContaining("the name servers do not answer") as string },
        ]);
    });

    const [four, both] = [
        { A: ["127.0.0.1"], AAAA: [] },
        { A: ["127.0.0.1"], AAAA: ["::1"] },
    ];
    const NAMES = { uiHost: UI_HOST, grpc: { host: GRPC_HOST } };
    test.each<[string, Partial<Target>, Zone, Record<string, Zone>, string, RegExp]>([
        [
            "every name is right",
            { ...NAMES, ipv4: "127.0.0.1" },
            four,
            {},
            "ok",
            /127.0.0.1 for linkmesh.*, ui.*, grpc/,
        ],
        ["every name is right, no address given", NAMES, both, {}, "ok", /and ::1 for linkmesh.*, ui.*, grpc/],
        ["a name is missing", NAMES, both, { ui: { A: [], AAAA: [] } }, "fail", /no A or AAAA record for ui/],
        [
            "a name is elsewhere",
            NAMES,
            both,
            { grpc: four },
            "fail",
            /127.0.0.1 for grpc.*instead of 127.0.0.1 and ::1/,
        ],
        ["no AAAA without IPv6", { ipv6: false }, four, {}, "ok", /returns 127.0.0.1$/],
        ["a AAAA although no IPv6", { ipv6: false }, both, {}, "fail", /returns ::1 for linkmesh.*which has no IPv6/],
        ["the same with an address", { ipv4: "127.0.0.1", ipv6: false }, both, {}, "fail", /which has no IPv6/],
        ["a AAAA at another name", { ...NAMES, ipv6: false }, four, { ui: both }, "fail", /::1 for ui.*has no IPv6/],
    ])("%s", async (_what, change, zone, byLabel, status, detail) => {
        const dns = [await nameServer(zone, byLabel)];
        const results = await runChecks({ host: HOST, dns, ...change }, { only: ["addresses"] });
        expect(results).toMatchObject([{ name: "addresses", status }]);
        expect(results[0]!.detail).toMatch(detail);
    });

    test("without IPv6 nothing is checked over it, whatever DNS returns", async () => {
        const dns = [await nameServer(both)];
        const results = await runChecks({ ...(await site()), ipv4: undefined, ipv6: false, dns });
        expect(new Set(results.slice(1).map(({ family }) => family))).toEqual(new Set(["ipv4"]));
    });

    test("two machines in DNS are a warning", async () => {
        const dns = [await nameServer({ A: ["127.0.0.1", "127.0.0.2"], AAAA: [] })];
        const [result] = await runChecks({ host: HOST, dns }, { only: ["addresses"] });
        expect(result).toMatchObject({
            status: "warn",
            detail: expect.stringContaining("127.0.0.1, 127.0.0.2") as string,
        });
    });
});

type Zone = Record<"A" | "AAAA", string[]>;

/** Answers every question with these records, or those of the first label of its name; returns "address:port". */
async function nameServer(zone: Zone, byLabel: Record<string, Zone> = {}): Promise<string> {
    const socket: DatagramSocket = createSocket("udp4");
    socket.on("message", (query, from) => {
        const end = query.indexOf(0, 12) + 5;
        const question = query.subarray(12, end);
        const records = byLabel[question.toString("latin1", 1, 1 + question[0]!)] ?? zone;
        const type = query.readUInt16BE(end - 4);
        const data = (type === 1 ? records.A : records.AAAA).map((address) => bytes(address));
        const header = Buffer.from([query[0]!, query[1]!, 0x81, 0x80, 0, 1, 0, data.length, 0, 0, 0, 0]);
        const answers = data.map((rdata) =>
            Buffer.concat([Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, rdata.length]), rdata]),
        );
        socket.send(Buffer.concat([header, question, ...answers]), from.port, from.address);
    });
    await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
    cleanups.push(() => socket.close());
    return `127.0.0.1:${socket.address().port}`;
}

function bytes(address: string): Buffer {
    if (net.isIPv4(address)) return Buffer.from(address.split(".").map(Number));
    return Buffer.concat([Buffer.alloc(15), Buffer.from([1])]); // ::1
}
