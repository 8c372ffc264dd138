"""`/docs`: the API's description in Swagger's interface, within the same Content-Security-Policy as every page."""

from drf_spectacular.views import SpectacularSwaggerSplitView


class DocsView(SpectacularSwaggerSplitView):
    """The script comes from an address of its own, because inline ones do not run."""

    template_name = "site/docs.html"
    url_name = "openapi"
