import { readFileSync } from "node:fs";
import * as fs from "node:fs";
import { Agent, request as httpsRequest } from "node:https";
import { Readable } from "node:stream";
import * as git from "isomorphic-git";
import { EXIT, Failure, systemReason } from "./failure.ts";

/** How long the remote may take for one answer. */
const ANSWER_MS = 10_000;
/** How often to try again when another instance has pushed first. */
const TRIES = 10;

const AUTHOR = { name: "linkmesh-server", email: "linkmesh-server@localhost" };

export interface GitRemote {
    url: string;
    branch: string;
    /** File with the CA of the server's certificate, if no public one has issued it. */
    caFile: string | undefined;
    token: string;
}

/**
 * A clone of the remote store that all instances share. It has objects alone, without a working tree: only what a commit of the
 * remote holds is there, and what the remote never took is in none.
 */
export class GitStore {
    /** Git works on one thing at a time. */
    private last: Promise<unknown> = Promise.resolve();
    private readonly local;
    private readonly common;

    private constructor(
        directory: string,
        private readonly remote: GitRemote,
    ) {
        const { url, token } = remote;
        this.local = { fs, dir: directory };
        this.common = {
            ...this.local,
            url,
            remote: "origin",
            http: { request: requester(remote) },
            onAuth: () => ({ username: "linkmesh", password: token }),
            onAuthFailure: () => ({ cancel: true }),
        };
    }

    /** @throws {Failure} if the remote cannot be reached or refuses the token */
    static async open(directory: string, remote: GitRemote): Promise<GitStore> {
        const store = new GitStore(directory, remote);
        try {
            await git.init({ fs, dir: directory, defaultBranch: remote.branch });
            await git.addRemote({ fs, dir: directory, remote: "origin", url: remote.url, force: true });
            await store.alone(() => store.fetch());
        } catch (error) {
            throw openFailure(error as Error, remote.url);
        }
        return store;
    }

    /** The files of a folder as they are in the remote now, by name. */
    list(folder: string): Promise<Record<string, string>> {
        return this.alone(async () => {
            const entries = await this.entries(await this.fetch(), folder);
            const read = async ({ path, oid }: git.TreeEntry): Promise<[string, string]> => {
                const { blob } = await git.readBlob({ ...this.local, oid });
                return [path, Buffer.from(blob).toString()];
            };
            return Object.fromEntries(await Promise.all(entries.filter(({ type }) => type === "blob").map(read)));
        });
    }

    /** Writes a file, and resolves when the remote has it. */
    write(folder: string, name: string, text: string): Promise<void> {
        return this.alone(async () => {
            const oid = await git.writeBlob({ ...this.local, blob: Buffer.from(text) });
            for (let tries = 1; ; tries++) {
                const head = await this.fetch();
                await git.commit({
                    ...this.local,
                    author: AUTHOR,
                    message: `Write ${folder}/${name}`,
                    ref: `refs/heads/${this.remote.branch}`,
                    tree: await this.treeWith(head, folder, { mode: "100644", path: name, oid, type: "blob" }),
                    parent: head === undefined ? [] : [head],
                });
                try {
                    await git.push({ ...this.common, ref: this.remote.branch, remoteRef: this.remote.branch });
                    return;
                } catch (error) {
                    const isLate = ["PushRejectedError", "GitPushError"].includes((error as Error).name);
                    if (!isLate || tries === TRIES) throw error;
                }
            }
        });
    }

    /** The commit of the remote's branch, with all that it holds. An empty remote has no branch yet. */
    private async fetch(): Promise<string | undefined> {
        const { branch } = this.remote;
        const refs = await git.listServerRefs({ ...this.common, prefix: `refs/heads/${branch}` });
        const head = refs.find(({ ref }) => ref === `refs/heads/${branch}`);
        if (!head) return undefined;
        await git.fetch({ ...this.common, ref: branch, remoteRef: branch, singleBranch: true, tags: false });
        // From where the next one goes on.
        await git.writeRef({ ...this.local, ref: `refs/heads/${branch}`, value: head.oid, force: true });
        return head.oid;
    }

    /** What a commit has in a folder, or at the top. */
    private async entries(commit: string | undefined, folder?: string): Promise<git.TreeObject> {
        if (commit === undefined) return [];
        const { tree } = await git.readTree({ ...this.local, oid: commit });
        if (folder === undefined) return tree;
        const found = tree.find(({ path, type }) => path === folder && type === "tree");
        return found ? (await git.readTree({ ...this.local, oid: found.oid })).tree : [];
    }

    /** The tree of a commit with one more file in a folder, or another one in its place. */
    private async treeWith(commit: string | undefined, folder: string, file: git.TreeEntry): Promise<string> {
        const replaced = (tree: git.TreeObject, entry: git.TreeEntry) =>
            git.writeTree({ ...this.local, tree: [...tree.filter(({ path }) => path !== entry.path), entry] });
        const oid = await replaced(await this.entries(commit, folder), file);
        return replaced(await this.entries(commit), { mode: "040000", path: folder, oid, type: "tree" });
    }

    private alone<T>(action: () => Promise<T>): Promise<T> {
        const result = this.last.then(action);
        this.last = result.catch(() => undefined);
        return result;
    }
}

/** HTTPS for the library, which knows no CA of one's own and waits for ever. */
function requester({ caFile }: GitRemote): git.HttpClient["request"] {
    const agent = new Agent({ ca: caFile === undefined ? undefined : readCa(caFile) });
    return async ({ url, method = "GET", headers = {}, body }) => {
        const sent = body ? Readable.from(body) : Readable.from([]);
        const response = await new Promise<import("node:http").IncomingMessage>((resolve, reject) => {
            const call = httpsRequest(url, { method, headers, agent, timeout: ANSWER_MS }, resolve);
            call.on("error", reject);
            call.on("timeout", () => call.destroy(new Error(`no answer within ${ANSWER_MS / 1000} s`)));
            sent.pipe(call);
        });
        return {
            url,
            method,
            statusCode: response.statusCode!,
            statusMessage: response.statusMessage!,
            headers: response.headers as Record<string, string>,
            body: response as AsyncIterable<Uint8Array> as AsyncIterableIterator<Uint8Array>,
        };
    };
}

function readCa(file: string): string {
    try {
        return readFileSync(file, "utf8");
    } catch (error) {
        throw new Failure(`cannot read gitops.caFile ${file}: ${systemReason(error)}`, EXIT.configuration);
    }
}

function openFailure(error: Error, url: string): Failure {
    if (error instanceof Failure) return error;
    const refused =
        error.name === "UserCanceledError" || (error as { data?: { statusCode?: number } }).data?.statusCode === 401;
    return refused
        ? new Failure(`gitops.remote: ${url} refuses the token LINKMESH_GIT_TOKEN`, EXIT.configuration)
        : new Failure(`gitops.remote: cannot use ${url}: ${error.message.split("\n")[0]}`);
}
