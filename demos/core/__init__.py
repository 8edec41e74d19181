"""What every tab and the page share: context, texts, files, visitors and their models."""
