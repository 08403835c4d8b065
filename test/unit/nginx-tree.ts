/** A directive of nginx's configuration with its arguments, and with what its block holds. */
export interface Directive {
    name: string;
    args: string[];
    block?: Directive[];
}

/** Reads a configuration with the rules of nginx's own parser (`ngx_conf_read_token`). Throws if a block is not closed. */
export function nginxTree(text: string): Directive[] {
    const tokens = tokenize(text);
    let at = 0;
    const read = (inner: boolean): Directive[] => {
        const all: Directive[] = [];
        let words: string[] = [];
        for (; at < tokens.length; at++) {
            const token = tokens[at]!;
            if (typeof token === "string") {
                words.push(token);
                continue;
            }
            if (token.end === "}") {
                if (!inner || words.length > 0) throw new Error('unexpected "}"');
                return all;
            }
            if (words.length === 0) throw new Error(`unexpected "${token.end}"`);
            const [name = "", ...args] = words;
            words = [];
            if (token.end === ";") all.push({ name, args });
            else {
                at++;
                all.push({ name, args, block: read(true) });
            }
        }
        if (inner || words.length > 0) throw new Error("unexpected end of file");
        return all;
    };
    return read(false);
}

/** What does not vary from value to value: the names of directives, their nesting and the number of their arguments. */
export function shape(tree: readonly Directive[]): unknown[] {
    return tree.map(({ name, args, block }) => [
        // An entry of a map or of geo, whose name is a value.
        /^~|^[\da-f.:]+\/\d+$/i.test(name) ? "value" : name,
        args.length,
        ...(block ? [shape(block)] : []),
    ]);
}

/** All directives of this name, however deep. */
export function find(tree: readonly Directive[], name: string): Directive[] {
    return tree.flatMap((one) => [...(one.name === name ? [one] : []), ...find(one.block ?? [], name)]);
}

/** A word, or what ends a directive or a block. */
function tokenize(text: string): (string | { end: ";" | "{" | "}" })[] {
    const tokens: (string | { end: ";" | "{" | "}" })[] = [];
    let i = 0;
    while (i < text.length) {
        const c = text[i]!;
        if (/[ \t\r\n]/.test(c)) i++;
        else if (c === "#") while (i < text.length && text[i] !== "\n") i++;
        else if (c === ";" || c === "{" || c === "}") {
            tokens.push({ end: c });
            i++;
        } else if (c === '"' || c === "'") {
            let word = "";
            for (i++; text[i] !== c; i++) {
                if (i >= text.length) throw new Error("a quote is not closed");
                if (text[i] === "\\") word += text[i++];
                word += text[i] ?? "";
            }
            i++;
            tokens.push(word);
            if (i < text.length && !/[ \t\r\n;{)]/.test(text[i]!)) throw new Error(`unexpected "${text[i]!}"`);
        } else {
            let word = "";
            for (; i < text.length && !/[ \t\r\n;]/.test(text[i]!); i++) {
                if (text[i] === "{" && !word.endsWith("$")) break;
                if (text[i] === "\\") word += text[i++];
                word += text[i] ?? "";
            }
            tokens.push(word);
        }
    }
    return tokens;
}
