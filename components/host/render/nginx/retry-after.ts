/**
 * How many agents come back in each second after all were cut off at once. Each costs nginx and LinkMesh a handshake. If LinkMesh
 * is away for longer, they ask twice as often, because they wait half of the spread on average.
 */
const AGENTS_PER_SECOND = 500;
/** Without Retry-After, agents wait as long after some tries. */
const LONGEST_SPREAD = 60;

/** The seconds over which agents come back, a multiple of 10 from 10 to 60. */
export function retrySpread(collectors: number): number {
    return Math.min(LONGEST_SPREAD, Math.ceil(collectors / AGENTS_PER_SECOND / 10) * 10);
}

/** For the http level: how many seconds a client waits, as two digits, so that a change of the fleet's size is a line or two. */
export function renderRetryAfter(collectors: number): string {
    const tens = Array.from({ length: retrySpread(collectors) / 10 }, (_, digit) =>
        digit === 0 ? '""' : String(digit),
    );
    const ones = Array.from({ length: 10 }, (_, digit) => String(digit));
    return `# Agents are cut off at once and wait exactly as long as they are told, so each is told another time. The keys differ for each
# request: a whole fleet may share an address.
${split("tens", tens)}
${split("ones", ones)}`;
}

function split(name: "tens" | "ones", digits: readonly string[]): string {
    const percent = Math.floor(10_000 / digits.length) / 100;
    const lines = digits.map((digit, index) => `    ${index + 1 < digits.length ? `${percent}%` : "*"} ${digit};\n`);
    return `split_clients "$request_id ${name}" $linkmesh_retry_${name} {\n${lines.join("")}}`;
}

/** For a location that answers 503 because LinkMesh failed, or 429 because an address has too many sessions. */
export const RETRY_AFTER = {
    failed: 'add_header Retry-After "$linkmesh_retry_tens$linkmesh_retry_ones" always;',
    // Sessions of that address must end first. nginx takes two minutes to find dead ones.
    refused: 'add_header Retry-After "6$linkmesh_retry_ones" always;',
};
