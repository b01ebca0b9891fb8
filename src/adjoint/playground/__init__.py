"""The playground: a page on which a network is seen to learn, and why.

====================  ==========================================================================
``settings``          what is chosen on the page, read from JSON and checked
``values``            numbers, names and options out of JSON, checked one by one
``changes``           settings of the optimiser that were set by hand while it trained
``rates``             schedules of the learning rate by name
``formula``           points made of a formula that a user typed, parsed to a short list of parts
``drawn``             points that a user set by hand
``saved``             a session as a file, and back
``toys, features``    data sets and columns made of two coordinates, which a program can print
``own_table``         a pasted or loaded table as numbers
``problem``           the rows of a training and of its test, and what their columns are called
``losses``            losses that read targets in a form of their own
``designs``           a network made of settings
``optimisers``        an optimiser made of settings, with what was changed by hand
``setup``             all that a training begins with
``steps``             a training that is taken step by step, forward and back
``moments``           where a training stood, for the way back
``session``           what one page has open: a training, and what is looked at
``exports``           the model as a file for where there is no adjoint
``scenes``            what a page is told of a session
``fields``            what a network says over a plane, and each hidden unit of it
``qualities``         accuracy or R² at each picture, for their curve
``readings``          losses, gradients, updates and idle units at one moment
``derivations``       the derivation of the next batch's gradient, step by step, and its graph
``program_text``      the Python program that computes the same numbers
``frame``             the bytes in which a picture's numbers travel
``requests``          what a page may ask for, and the answers
``guard, server``     who may ask, and the application that answers
``bundle``            the page in one text, for where no server gives out its files
``static_page``       the page as a file that trains in the browser, without Python
``cell``              the page in the output of a notebook's cell
``launch``            `play` and its command: the address, the browser, the end
``page/``             the page itself: HTML, CSS and modules of JavaScript
====================  ==========================================================================
"""
