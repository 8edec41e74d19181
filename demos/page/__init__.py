"""The page around the tabs: markup, deep links, middleware, discovery of tabs."""
