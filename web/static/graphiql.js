// Starts GraphiQL on the endpoint that served the page.
const WELCOME = `# A query asks for exactly what it names. Ctrl-Space completes, Ctrl-Enter runs.
# Where an API key is needed, log in to the dashboard, or open "Headers" below and give it there:
#   {"Authorization": "Bearer <key>"}

{
  agents(first: 10) {
    nodes {
      id
      name
      status
    }
  }
}
`;

// A link may bring a query along; it opens in a tab of its own beside those from before.
const given = new URLSearchParams(location.search).get("query") ?? undefined;

const root = ReactDOM.createRoot(document.getElementById("graphiql"));
root.render(
  React.createElement(GraphiQL, {
    fetcher: GraphiQL.createFetcher({ url: location.pathname, enableIncrementalDelivery: false }),
    defaultQuery: WELCOME,
    query: given,
    defaultEditorToolsVisibility: "headers",
    isHeadersEditorEnabled: true,
    shouldPersistHeaders: false,
  }),
);
