import js from "@eslint/js";
import pulumi from "@pulumi/eslint-plugin";
import tseslint from "typescript-eslint";

export default tseslint.config(
    js.configs.recommended,
    tseslint.configs.recommendedTypeChecked,
    {
        languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
        plugins: { "@pulumi": pulumi },
        rules: {
            // The commonest mistake of a Pulumi program: an Output put into a text shows as "[object Object]" or worse.
            "@pulumi/no-output-in-template-literal": "error",
            "@pulumi/no-output-instance-in-template-literal": "error",
            "@typescript-eslint/no-non-null-assertion": "off",
            "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
        },
    },
    {
        // What a program prints, previews and logs keep: a secret could be in it.
        files: ["components/**", "index.ts"],
        rules: { "no-console": "error" },
    },
    { ignores: ["dist/", "node_modules/", "**/*.js", "**/*.cjs"] },
);
