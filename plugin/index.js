const { componentProviderHost } = require("@pulumi/pulumi/provider/experimental");

// Where Pulumi starts the component package: it serves LinkMesh to programs in any language.
module.exports = import("../dist/index.js").then(({ LinkMesh }) =>
    componentProviderHost({ name: "linkmesh-proxy", dirname: __dirname, components: [LinkMesh] }),
);
