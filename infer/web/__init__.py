"""`unspin serve`: a page that shows an article, its restoration and every edit, and the JSON endpoints behind it."""
