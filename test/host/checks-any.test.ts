import net, { type Socket } from "node:net";
import tls from "node:tls";
import fc from "../any.ts";
import { beforeAll, expect, test } from "vitest";
import { CHECK_NAMES, runChecks } from "../../checks/index.ts";
import { authorities, HOST, status, UI_HOST, type Authorities } from "./checks-site.ts";
import type { Pair } from "./test-ca.ts";

// Whatever answers in place of the host: each check gives a verdict and a next step, and none throws.

let trust: Authorities;
let pairs: Pair[];
beforeAll(async () => {
    trust = await authorities();
    const { publicCa, publicPair, uiPair, grpcPair } = trust;
    const odd: [string[], { from?: number; to?: number }][] = [
        [[HOST], { to: -1 }],
        [[HOST], { from: 1 }],
        [[HOST], { from: -30_000, to: 2_900_000 }],
        [[`${HOST}, DNS:"x`, "*.*.test", "\u0007"], {}],
        [[], {}],
    ];
    pairs = [
        publicPair,
        uiPair,
        grpcPair,
        ...(await Promise.all(odd.map(([names, days]) => publicCa.issue(names, days)))),
    ];
});

/** How a connection ends after the bytes. */
const ENDS: Record<string, (socket: Socket, tcp: Socket) => void> = {
    "its writing half": (socket) => socket.end(),
    "with a close": (socket) => socket.destroy(),
    "with a reset": (_, tcp) => tcp.resetAndDestroy(),
    "not at all": () => undefined,
};

interface Answer {
    /** With TLS: the certificate's place in the list, and the protocol that is chosen, or none. */
    secure?: { pair: number; alpn: string };
    /** Before or after the request. */
    waits: boolean;
    bytes: Buffer;
    ends: string;
}

const bytes = fc.oneof(
    fc.constant(Buffer.alloc(0)),
    fc.uint8Array({ maxLength: 300 }).map((some) => Buffer.from(some)),
    // An alert of TLS, and the beginning of a server's hello.
    fc.nat(255).map((alert) => Buffer.from([21, 3, 3, 0, 2, 2, alert])),
    fc.uint8Array({ maxLength: 60 }).map((some) => Buffer.from([22, 3, 3, 0, 90, 2, 0, 0, 86, 3, 3, ...some])),
    // A frame of HTTP/2, after empty settings or before.
    fc
        .tuple(fc.boolean(), fc.nat(12), fc.nat(255), fc.nat(3), fc.uint8Array({ maxLength: 40 }))
        .map(([settings, type, flags, stream, some]) =>
            Buffer.from([
                ...(settings ? [0, 0, 0, 4, 0, 0, 0, 0, 0] : []),
                0,
                0,
                some.length,
                type,
                flags,
                0,
                0,
                0,
                stream,
                ...some,
            ]),
        ),
    // An answer of HTTP/1.1.
    fc
        .tuple(
            fc.oneof(
                fc.constantFrom(
                    100,
                    101,
                    200,
                    204,
                    301,
                    302,
                    307,
                    400,
                    401,
                    403,
                    404,
                    407,
                    421,
                    426,
                    429,
                    502,
                    503,
                    999,
                ),
                fc.nat(1100),
            ),
            fc.string({ maxLength: 10 }),
            fc.array(
                fc.tuple(
                    fc.constantFrom(
                        "Location",
                        "Server",
                        "Via",
                        "Strict-Transport-Security",
                        "Upgrade",
                        "Connection",
                        "Content-Length",
                        "Transfer-Encoding",
                        "X",
                    ),
                    fc.oneof(
                        fc.constantFrom(
                            "",
                            "chunked",
                            "-1",
                            "websocket",
                            "close",
                            `https://${HOST}/check?from=port-80`,
                            "nginx",
                        ),
                        fc.string({ maxLength: 30 }),
                    ),
                ),
                { maxLength: 5 },
            ),
        )
        .map(([code, reason, headers]) =>
            Buffer.from(status(`${code} ${reason}`, ...headers.map((pair) => pair.join(": "))), "latin1"),
        ),
);
const answer = fc.record<Answer>(
    {
        secure: fc.record({ pair: fc.nat(7), alpn: fc.constantFrom("h2", "http/1.1", "") }),
        waits: fc.boolean(),
        bytes,
        ends: fc.constantFrom(...Object.keys(ENDS)),
    },
    { requiredKeys: ["waits", "bytes", "ends"] },
);

/** Starts a port that answers every connection with one of these, in turn. */
async function port(answers: readonly Answer[], sockets: Set<Socket>): Promise<net.Server> {
    let turn = 0;
    const server = net.createServer((socket) => {
        sockets.add(socket.on("error", () => undefined));
        const { secure, waits, bytes: sent, ends } = answers[turn++ % answers.length]!;
        const reply = (to: Socket) => {
            to.on("error", () => undefined).resume();
            const say = () => to.write(sent, () => ENDS[ends]!(to, socket));
            if (waits) to.once("data", say);
            else say();
        };
        if (!secure) return reply(socket);
        const options = {
            ...pairs[secure.pair],
            isServer: true,
            ALPNProtocols: secure.alpn === "" ? [] : [secure.alpn],
        };
        const over = new tls.TLSSocket(socket, options);
        over.on("error", () => undefined).once("secure", () => reply(over));
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    return server;
}

const portOf = (server: net.Server) => (server.address() as net.AddressInfo).port;

/** These would log in, ask name servers, or wait on purpose. */
const ELSEWHERE = ["addresses", "setup", "renewal", "served", "restart", "limits", "health"];
const only = CHECK_NAMES.filter((name) => !ELSEWHERE.includes(name));

/** What was said, without numbers. */
const sayings = new Set<string>();

async function examine(answers: readonly Answer[]): Promise<void> {
    const sockets = new Set<Socket>();
    const servers = await Promise.all([port(answers, sockets), port(answers, sockets), port(answers, sockets)]);
    const [httpPort, httpsPort, grpcPort] = servers.map(portOf) as [number, number, number];
    try {
        const results = await runChecks(
            {
                ...{ host: HOST, uiHost: UI_HOST, ipv4: "127.0.0.1", ca: trust.publicCa.pem },
                ...{ httpPort, httpsPort, grpc: { port: grpcPort }, closedPorts: [httpPort], timeoutMs: 5_000 },
            },
            { only },
        );
        expect(results.map(({ name }) => name)).toEqual(only);
        for (const { status: verdict, detail, hint } of results) {
            expect(detail).toMatch(/^\S[^\n]*$/);
            sayings.add(detail.replace(/\d+/g, ""));
            expect(`${detail} ${hint}`.replace(/ undefined$/, "")).not.toMatch(/\b(undefined|NaN|Invalid Date)\b/);
            if (verdict !== "ok") expect(hint).toMatch(/\S/);
        }
    } finally {
        for (const socket of sockets) socket.destroy();
        for (const server of servers) server.close();
    }
}

test("each check judges whatever answers, in bytes, TLS, HTTP or HTTP/2", async () => {
    // More at once would run out of time before anything has answered.
    const some = fc.array(fc.array(answer, { minLength: 1, maxLength: 3 }), { minLength: 6, maxLength: 6 });
    await fc.assert(
        fc.asyncProperty(some, async (sites) => void (await Promise.all(sites.map(examine)))),
        { numRuns: 5, endOnFailure: true },
    );
    // Otherwise nothing has answered.
    expect(sayings.size).toBeGreaterThan(8);
});
