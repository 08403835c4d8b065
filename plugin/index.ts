// Pulumi's analyzer makes the package's schema from the types here, which index.js does not have.
export { LinkMesh } from "../components/linkmesh.ts";
