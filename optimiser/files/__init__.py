"""Files: instances as folders of CSV and as workbooks, and results."""
