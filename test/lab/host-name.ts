import { Resolver } from "node:dns/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { setAcmeFault } from "../../lab/services/acme-front.ts";
import { Clients } from "./clients.ts";
import { identity, lab, labOk, mainPid, onMachine, status, theLab } from "./lab.ts";

const OLD = "linkmesh.example.test";
const NEW = "fleet.example.test";

/** Another public hostname: the new one is there, with all that belongs to it, before the old one goes. */
export function hostName(): void {
    let before: Awaited<ReturnType<typeof identity>>;
    let bootstrap: Awaited<ReturnType<Clients["enrolledAgent"]>>["bootstrap"];

    test("if the new name gets no certificate, the old name keeps working, also after the change is reverted", async () => {
        const linkmesh = await mainPid("linkmesh-server");
        before = await identity();
        setAcmeFault(theLab(), { status: 429 });
        const run = await lab("up", "--set", `domain=${NEW}`, "--set", "acmeDirectory=production");
        setAcmeFault(theLab(), undefined);
        expect(run.exitCode).not.toBe(0);
        expect(run.stderr).toMatch(/^error: step certificate: .* no certificate for fleet\.example\.test: /m);
        // The outputs name what is wanted, the machine goes on with what was.
        expect((await new Clients({ ...(await status()), host: OLD }).http("/")).status).toBe(200);
        expect(await addresses(OLD)).toHaveLength(1);

        await labOk("up", "--set", "domain=", "--set", "acmeDirectory=");
        expect(await addresses(OLD)).toHaveLength(1);
        expect(await addresses(NEW)).toEqual([]);
        expect(await mainPid("linkmesh-server")).toBe(linkmesh);
        // But for an account with the other authority, which is kept.
        const after = await identity();
        expect({ ...after, acmeAccounts: before.acmeAccounts }).toEqual(before);
        before = after;
        await labOk("check");
    });

    test("the new name gets its records, certificate and SAN before the old name goes, and the fleet stays enrolled", async () => {
        const token = await onMachine("linkmesh-server token");
        const enrolled = await new Clients(await status()).enrolledAgent(token);
        enrolled.agent.close();
        bootstrap = enrolled.bootstrap;

        const moments = new NameMoments();
        await labOk("up", "--set", `domain=${NEW}`);
        const { published, served, gone } = await moments.stop();
        expect([published, served, gone]).toEqual([...[published, served, gone]].sort((a, b) => a - b));

        const found = await status();
        expect(found.outputs).toMatchObject({ publicUrl: `https://${NEW}`, grpcEndpoint: `${NEW}:50051` });
        expect(await labOk("check")).toMatchObject({ exitCode: 0 });
        expect(await identity()).toMatchObject({ ...before, certificate: expect.any(String) as string });
        const agent = new Clients(found).agentWith(bootstrap);
        expect((await agent.ping(Buffer.from("hello"))).toString()).toBe("hello");
        agent.close();
    });

    test("the timer renews only the certificate in use", async () => {
        const renewed = await onMachine("grep -L 'autorenew = False' /etc/letsencrypt/renewal/*.conf");
        expect(renewed).toMatch(new RegExp(`^/etc/letsencrypt/renewal/${NEW.replaceAll(".", "\\.")}[^/\n]*\\.conf$`));
    });

    test("on the way back the first name's certificate is used again, and none is ordered", async () => {
        const orders = () => onMachine("cat /srv/linkmesh/identity/orders");
        const ordered = await orders();
        await labOk("up", "--set", "domain=");
        expect(await orders()).toBe(ordered);
        const names = (await identity()).certificate as string;
        expect(names).toContain(before.certificate);
        await labOk("check");
        const agent = new Clients(await status()).agentWith(bootstrap);
        expect((await agent.ping(Buffer.from("hello"))).toString()).toBe("hello");
        agent.close();
    });
}

/** What the lab's name server says of a name; nothing when there is no such name. */
function addresses(name: string): Promise<string[]> {
    const resolver = new Resolver();
    resolver.setServers([theLab().net.dns]);
    return resolver.resolve4(name).catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOTFOUND" || error.code === "ENODATA") return [];
        throw error;
    });
}

/** Looks at DNS and at the certificate served, again and again, and notes when each changes. */
class NameMoments {
    readonly #seen: Partial<Record<"published" | "served" | "gone", number>> = {};
    #stopped = false;
    readonly #watch = this.#run();

    async stop(): Promise<{ published: number; served: number; gone: number }> {
        this.#stopped = true;
        await this.#watch;
        const { published, served, gone } = this.#seen;
        expect(this.#seen, "all three seen").toMatchObject({ published, served, gone });
        return { published: published ?? NaN, served: served ?? NaN, gone: gone ?? NaN };
    }

    async #run(): Promise<void> {
        const serves = () =>
            onMachine(
                `openssl s_client -connect 127.0.0.1:443 -servername ${NEW} </dev/null 2>/dev/null | grep -c 'BEGIN CERTIFICATE' || true`,
            );
        while (!this.#stopped || this.#seen.gone === undefined) {
            if ((await addresses(NEW)).length > 0) this.#seen.published ??= Date.now();
            if (Number(await serves()) > 0) this.#seen.served ??= Date.now();
            if ((await addresses(OLD)).length === 0) this.#seen.gone ??= Date.now();
            if (this.#stopped) break;
            await sleep(50);
        }
    }
}
