import type { Progress } from "../lab.ts";

/** Fetches a file into memory. An error is one phrase, without the URL's user and password, which are sent. */
export async function download(url: URL, what: string, progress: Progress): Promise<Buffer> {
    const plain = new URL(url);
    plain.username = plain.password = "";
    const login = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    const headers = login === ":" ? undefined : { authorization: `Basic ${btoa(login)}` };
    try {
        const response = await fetch(plain, { headers });
        if (!response.ok || !response.body) throw new Error(`${url.host} answers ${response.status}`);
        const megabytes = (bytes: number) => Math.round(bytes / 1e6);
        const size = Number(response.headers.get("content-length"));
        const chunks: Uint8Array[] = [];
        let fetched = 0;
        for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
            chunks.push(chunk);
            // Reports each megabyte, not each chunk.
            if (megabytes(fetched) !== megabytes(fetched + chunk.length)) {
                progress(
                    `fetching ${what}, ${megabytes(fetched + chunk.length)}${size ? ` of ${megabytes(size)}` : ""} MB`,
                );
            }
            fetched += chunk.length;
        }
        return Buffer.concat(chunks);
    } catch (error) {
        const { message, cause } = error as Error & { cause?: Error };
        throw new Error(cause?.message ?? message);
    }
}
